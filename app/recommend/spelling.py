"""Spelling correction: finds the nearest word of the catalogue to an unknown word."""

from collections import defaultdict
from collections.abc import Mapping

from rapidfuzz import process
from rapidfuzz.distance import OSA

from app.recommend.types import Term

SHORTEST = 4
LONG = 8
"""Minimum length of words for which two edits are allowed instead of one."""


class Speller:
    """Finds words within one or two edits (a letter missing, extra, wrong or swapped).

    Only words with the same first letter and about the same length are compared: 50 us per lookup.
    """

    def __init__(self, terms: Mapping[str, tuple[str, int]]) -> None:
        """`terms`: stem to (most frequent surface, number of documents)."""
        self._terms = terms
        self._by_shape: defaultdict[tuple[str, int], list[str]] = defaultdict(list)
        for term in sorted(terms):
            if term.isalpha() and len(term) >= SHORTEST - 1:
                self._by_shape[term[0], len(term)].append(term)

    def same_stem(self, term: Term) -> str | None:
        """The most frequent word of the term's stem, if the typed one is a misspelling of it.

        The stemmer forgives "kubernets", but models that know whole words don't. Only a letter
        missing or extra within the word is a slip: endings differ in words that are both right.
        """
        known = self._terms.get(term.stem)
        if known is None or len(term.surface) < SHORTEST:
            return None
        word, right = term.surface, known[0]
        if len(word) == len(right) or word.startswith(right) or right.startswith(word):
            return None
        return right if OSA.distance(word, right, score_cutoff=1) == 1 else None

    def nearest(self, stem: str) -> tuple[str, str] | None:
        """The (stem, surface) with the fewest edits, then the most documents; or None."""
        if len(stem) < SHORTEST or not stem.isalpha():
            return None
        edits = 2 if len(stem) >= LONG else 1
        sizes = range(len(stem) - edits, len(stem) + edits + 1)
        choices = [term for size in sizes for term in self._by_shape.get((stem[0], size), ())]
        found = process.extract(stem, choices, scorer=OSA.distance, score_cutoff=edits, limit=None)
        if not found:
            return None
        best = min(found, key=lambda hit: (hit[1], -self._terms[hit[0]][1], hit[0]))[0]
        return best, self._terms[best][0]
