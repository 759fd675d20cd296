"""Spelling: the word the catalogue knows that is nearest to one it doesn't."""

from collections import defaultdict
from collections.abc import Mapping

from rapidfuzz import process
from rapidfuzz.distance import OSA

SHORTEST = 4
LONG = 8
"""From this length on, two slips are forgiven instead of one."""


class Speller:
    """Finds words at most one or two slips away (a letter missing, extra, wrong or swapped).

    Candidates share the first letter and nearly the length, which keeps a look-up near 50 us.
    """

    def __init__(self, terms: Mapping[str, tuple[str, int]]) -> None:
        """`terms`: stem to (commonest surface, number of documents)."""
        self._terms = terms
        self._by_shape: defaultdict[tuple[str, int], list[str]] = defaultdict(list)
        for term in sorted(terms):
            if term.isalpha() and len(term) >= SHORTEST - 1:
                self._by_shape[term[0], len(term)].append(term)

    def nearest(self, stem: str) -> tuple[str, str] | None:
        """The (stem, surface) with the fewest slips, then the most documents; or None."""
        if len(stem) < SHORTEST or not stem.isalpha():
            return None
        slips = 2 if len(stem) >= LONG else 1
        around = range(len(stem) - slips, len(stem) + slips + 1)
        choices = [term for size in around for term in self._by_shape.get((stem[0], size), ())]
        found = process.extract(stem, choices, scorer=OSA.distance, score_cutoff=slips, limit=None)
        if not found:
            return None
        best = min(found, key=lambda hit: (hit[1], -self._terms[hit[0]][1], hit[0]))[0]
        return best, self._terms[best][0]
