"""The lexical leg: BM25 over postings held in memory.

The formula is the one SQLite's FTS5 `bm25()` uses (k1 = 1.2, b = 0.75, Robertson-Sparck Jones idf
floored at 1e-6), so both lexical indexes rank alike; a test holds them to it. Scores are divided
by the highest score the query's terms could reach, which puts them in [0, 1] (Bruch et al., 2023,
"An analysis of fusion functions for hybrid retrieval", theoretical min-max).
"""

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from app.recommend.types import Floats

K1, B = 1.2, 0.75
IDF_FLOOR = 1e-6
Slots = NDArray[np.int32]


def idf(documents: int, matching: int) -> float:
    """Inverse document frequency of a term in `matching` of `documents`."""
    odds = (documents - matching + 0.5) / (matching + 0.5)
    return max(float(np.log(odds)), IDF_FLOOR) if odds > 0 else IDF_FLOOR


def ceiling(idfs: Mapping[str, float], counts: Mapping[str, int]) -> float:
    """The BM25 score that no document can exceed; 0 when no term is known."""
    return sum(value * (K1 + 1) * counts[term] for term, value in idfs.items())


class Postings:
    """Which slots contain a term, and how often. Slots are only ever appended.

    Readers need no lock: a reader that knows `n` slots ignores postings of later ones.
    """

    def __init__(self) -> None:
        self._packed: dict[str, tuple[Slots, NDArray[np.uint16]]] = {}
        self._recent: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)

    @classmethod
    def packed(cls, documents: Iterable[list[str]]) -> "Postings":
        """Postings of documents (their stems) in slots 0, 1, …"""
        slots: defaultdict[str, array[int]] = defaultdict(lambda: array("i"))
        counts: defaultdict[str, array[int]] = defaultdict(lambda: array("H"))
        for slot, stems in enumerate(documents):
            for term, count in Counter(stems).items():
                slots[term].append(slot)
                counts[term].append(min(count, 0xFFFF))
        self = cls()
        for term, where in slots.items():
            packed = np.frombuffer(where, np.int32), np.frombuffer(counts[term], np.uint16)
            self._packed[term] = packed
        return self

    def append(self, slot: int, stems: list[str]) -> None:
        """Add one document in a slot higher than all before."""
        for term, count in Counter(stems).items():
            self._recent[term].append((slot, min(count, 0xFFFF)))

    def lookup(self, term: str, n: int) -> tuple[Slots, NDArray[np.uint16]] | None:
        """The (slots, counts) of a term among the first `n` slots; None where there is none."""
        packed = self._packed.get(term)
        recent = self._recent.get(term)
        if not recent:
            return packed
        added = [entry for entry in list(recent) if entry[0] < n]
        slots = np.array([slot for slot, _ in added], np.int32)
        counts = np.array([count for _, count in added], np.uint16)
        if packed is None:
            return slots, counts
        return np.concatenate([packed[0], slots]), np.concatenate([packed[1], counts])


def score(
    postings: Postings,
    terms: Mapping[str, int],
    lengths: NDArray[np.int32],
    live: NDArray[np.bool_],
    count: int,
    mean_length: float,
) -> Floats:
    """BM25 of every slot, (n,), in [0, 1]; `count` live documents of `mean_length` stems."""
    n = len(lengths)
    scores = np.zeros(n, np.float32)
    idfs: dict[str, float] = {}
    for term, repeated in terms.items():
        found = postings.lookup(term, n)
        if found is None:
            continue
        slots, counts = found
        idfs[term] = idf(count, int(np.count_nonzero(live[slots])))
        norm = K1 * (1 - B + B * lengths[slots] / mean_length)
        frequency = counts.astype(np.float32)
        weight = idfs[term] * repeated * (K1 + 1)
        scores[slots] += (weight * frequency / (frequency + norm)).astype(np.float32)
    highest = ceiling(idfs, terms)
    return scores / np.float32(highest) if highest else scores
