"""The lexical leg: BM25 over postings in memory.

The formula is that of SQLite's FTS5 `bm25()` (k1 = 1.2, b = 0.75, Robertson-Sparck Jones idf with a
minimum of 1e-6), so both lexical indexes give the same scores; a test checks it. Scores are divided
by the highest score that the query's terms can reach, which puts them in [0, 1] (Bruch et al.,
2023, "An analysis of fusion functions for hybrid retrieval", theoretical min-max).
"""

import math
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.recommend.types import Floats

K1, B = 1.2, 0.75
IDF_FLOOR = 1e-6
MAX_CACHED_TERMS = 2_000
Slots = NDArray[np.int32]
Counts = NDArray[np.uint16]


def idf(documents: int, matching: int) -> float:
    """Inverse document frequency of a term in `matching` of `documents`."""
    odds = (documents - matching + 0.5) / (matching + 0.5)
    return max(float(np.log(odds)), IDF_FLOOR) if odds > 0 else IDF_FLOOR


def rarity(documents: int, matching: int) -> float:
    """Rarity of a term in [0, 1], comparable between catalogues of different sizes.

    1: no document contains it; 0: every document does.
    """
    if not matching:
        return 1.0
    return max(math.log((documents + 1) / (matching + 1)) / math.log(documents + 2), 0.0)


class Postings:
    """The slots that contain each term, with the term's counts. Append-only.

    Readers need no lock: a reader of `n` slots ignores the postings of later ones.
    """

    def __init__(self) -> None:
        self._packed: dict[str, tuple[Slots, Counts]] = {}
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
        """Add one document; its slot must be higher than all earlier ones."""
        for term, count in Counter(stems).items():
            self._recent[term].append((slot, min(count, 0xFFFF)))

    def lookup(self, term: str, n: int) -> tuple[Slots, Counts] | None:
        """The (slots, counts) of a term among the first `n` slots; None if there are none."""
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


class Bm25:
    """BM25 over one snapshot: postings, lengths (n,) in stems, and which slots are live (n,).

    The impacts of a term are computed at its first use and cached.
    """

    def __init__(self, postings: Postings, lengths: Slots, live: NDArray[np.bool_]) -> None:
        self._postings, self._live = postings, live
        self._documents = int(np.count_nonzero(live))
        mean = float(lengths[live].sum(dtype=np.int64)) / max(self._documents, 1)
        self._norms = (K1 * (1 - B + B * lengths / max(mean, 1e-9))).astype(np.float32)
        self._impacts: dict[str, Impact | None] = {}

    def impact(self, term: str) -> "Impact | None":
        """The term's impact on the documents that contain it; None if none does."""
        try:
            return self._impacts[term]
        except KeyError:  # never looked up, or another thread has emptied the cache
            return self._looked_up(term)

    def _looked_up(self, term: str) -> "Impact | None":
        found = self._postings.lookup(term, len(self._live))
        impact = self._compute(*found) if found is not None else None
        if len(self._impacts) >= MAX_CACHED_TERMS:
            self._impacts.clear()
        self._impacts[term] = impact
        return impact

    def _compute(self, slots: Slots, counts: Counts) -> "Impact | None":
        living = self._live[slots]
        where, frequency = slots[living].astype(np.intp), counts[living].astype(np.float32)
        if not len(where):
            return None
        weight = idf(self._documents, len(where)) * (K1 + 1)
        added: Floats = np.float32(weight) * frequency / (frequency + self._norms[where])
        return Impact(where, added, weight)

    def scores(self, terms: Mapping[str, int]) -> Floats:
        """The score of every slot, (n,), in [0, 1]; `terms` with their counts in the query."""
        scores = np.zeros(len(self._live), np.float32)
        highest = 0.0
        for term, repeated in terms.items():
            if (impact := self.impact(term)) is not None:
                scores[impact.slots] += impact.added * np.float32(repeated)
                highest += impact.ceiling * repeated
        return scores / np.float32(highest) if highest else scores


@dataclass(frozen=True, slots=True, eq=False)
class Impact:
    """What a term adds (m,) to the scores of the documents in `slots` (m,): below `ceiling`."""

    slots: NDArray[np.intp]
    added: Floats
    ceiling: float
