"""From counts to findings: what separates two sets beyond chance, the strongest first.

Strength is mutual information with the set, so that a cause comes before its proxies. A fact is
listed under a stronger one if it tells nothing more among the requests that have that one and
among those that have not (Cochran-Mantel-Haenszel). Attributes are never listed under what happened
in the request: a slow stage separates slow requests better than the version that made it slow.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from observatory.compare.counting import Table
from observatory.compare.fact import Fact, Test
from observatory.compare.significance import (
    attainable,
    mutual_information,
    p_values,
    stratified_p,
    tarone_number,
)

LEVEL = 0.05
"""Probability that anything is named for two sets of the same kind; half for pairs."""
MAX_CANDIDATES, MAX_PAIRS, MAX_FINDINGS, MAX_RELATED = 120, 60, 20, 8
ALIKE = 0.8
"""Facts with at least this share of their requests in common (Jaccard) stand for each other."""
_PROMISING = 100
"""An exact p-value is computed if that of the G-test is at most this multiple of what is needed."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """Requests in either set."""

    first: int
    second: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """One fact or two that separate the sets, by position."""

    places: tuple[int, ...]
    first: int
    """Requests of the first set that have all of it."""
    second: int
    information: float
    p: float
    adjusted: float
    """p, corrected for all tests."""

    @property
    def is_pair(self) -> bool:
        """Whether it is two facts."""
        return len(self.places) > 1


@dataclass(slots=True)
class Group:
    """A candidate, and weaker ones that it explains."""

    head: Candidate
    related: list[Candidate] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Tested:
    """Significant candidates, and how many tests were corrected for."""

    candidates: Sequence[Candidate]
    tests: int


def single_facts(table: Table, sizes: Sizes, excluded: frozenset[int]) -> Tested:
    """Facts that separate the sets; of thresholds of one quantity only the best."""
    places = np.array([at for at in range(len(table.facts)) if at not in excluded], dtype=np.int64)
    first, second = table.first.having[places], table.second.having[places]
    smallest = attainable(first + second, sizes.first, sizes.second)
    tests = tarone_number(smallest, LEVEL / 2)
    promising = _PROMISING * LEVEL / 2 / tests
    p = p_values(first, second, sizes.first, sizes.second, promising)
    information = mutual_information(first, second, sizes.first, sizes.second)
    found = [
        Candidate(
            (int(places[at]),), int(first[at]), int(second[at]), float(information[at]),
            float(p[at]), min(1.0, float(p[at]) * tests * 2),
        )
        for at in np.flatnonzero(p * tests * 2 <= LEVEL)
    ]  # fmt: skip
    best: dict[tuple[str, ...], Candidate] = {}
    for each in sorted(found, key=lambda each: _strength(each, table.facts)):
        fact = table.facts[each.places[0]]
        key = (*fact.family, fact.value) if fact.test is Test.EQUALS else fact.family
        best.setdefault(key, each)
    return Tested(tuple(best.values())[:MAX_CANDIDATES], tests)


def pairs_of_facts(table: Table, sizes: Sizes, excluded: frozenset[int]) -> Tested:
    """Pairs that separate the sets better than either fact, and where both facts matter."""
    x, y = _different_subjects(table, excluded)
    if not len(x):
        return Tested((), 0)
    paired = np.array(table.paired)
    first, second = table.first.together[x, y], table.second.together[x, y]
    tests = tarone_number(attainable(first + second, sizes.first, sizes.second), LEVEL / 2)
    promising = _PROMISING * LEVEL / 2 / tests
    information = mutual_information(first, second, sizes.first, sizes.second)
    alone = mutual_information(
        table.first.having[paired], table.second.having[paired], sizes.first, sizes.second
    )
    stronger = np.flatnonzero(information > np.maximum(alone[x], alone[y]))
    x, y, first, second = x[stronger], y[stronger], first[stronger], second[stronger]
    information = information[stronger]
    p = p_values(first, second, sizes.first, sizes.second, promising)
    at = np.flatnonzero(p * tests * 2 <= LEVEL)
    within = _within_each(table, paired, x[at], y[at])
    adjusted = np.maximum(p[at] * tests, within * len(paired)) * 2
    found = [
            Candidate(
                (int(paired[x[place]]), int(paired[y[place]])), int(first[place]),
                int(second[place]), float(information[place]), float(p[place]), float(corrected),
            )
            for place, corrected in zip(at, adjusted, strict=True)
            if corrected <= LEVEL
    ]  # fmt: skip
    found.sort(key=lambda each: _strength(each, table.facts))
    return Tested(found[:MAX_PAIRS], tests)


def _different_subjects(
    table: Table, excluded: frozenset[int]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Places of all pairs of paired facts about two subjects."""
    subjects: dict[tuple[str, str], int] = {}
    codes = np.array(
        [
            -1 - at
            if at in excluded or table.facts[at].test is Test.DURATION
            else subjects.setdefault((table.facts[at].kind, table.facts[at].subject), len(subjects))
            for at in table.paired
        ],
        dtype=np.int64,
    )
    x, y = np.triu_indices(len(codes), 1)
    different = (codes[x] != codes[y]) & (codes[x] >= 0) & (codes[y] >= 0)
    return x[different], y[different]


def _within_each(
    table: Table, paired: NDArray[np.int64], x: NDArray[np.int64], y: NDArray[np.int64]
) -> NDArray[np.float64]:
    """The larger p that, among the requests with one fact, the other one separates the sets."""
    found = np.zeros(len(x))
    both = table.first.together[x, y], table.second.together[x, y]
    for of in (x, y):
        sizes = table.first.having[paired[of]], table.second.having[paired[of]]
        found = np.maximum(found, p_values(*both, *sizes))
    return found


def grouped(candidates: Sequence[Candidate], table: Table, sizes: Sizes) -> Sequence[Group]:
    """The candidates by strength; those that a stronger one explains are listed under it.

    `table` has all facts of the candidates paired.
    """
    groups: list[Group] = []
    overlaps = _Overlaps(table, sizes, len(candidates))
    for each in sorted(candidates, key=lambda each: _strength(each, table.facts)):
        explaining = next((group for group in groups if overlaps.explains(group, each)), None)
        if explaining is not None:
            if len(explaining.related) < MAX_RELATED:
                explaining.related.append(each)
        elif len(groups) < MAX_FINDINGS:
            groups.append(Group(each))
    return groups


class _Overlaps:
    """Whether one candidate explains another."""

    def __init__(self, table: Table, sizes: Sizes, tests: int) -> None:
        self._table, self._sizes, self._tests = table, sizes, max(1, tests)
        self._rank = {position: place for place, position in enumerate(table.paired)}

    def explains(self, group: Group, weaker: Candidate) -> bool:
        head = group.head
        if weaker.is_pair:  # a pair adds to each of its facts
            if head.is_pair:
                return self._share_a_fact(head, weaker)
            families = {self._table.facts[place].family for place in weaker.places}
            return self._table.facts[head.places[0]].family in families
        (place,) = weaker.places
        facts = self._table.facts
        if head.is_pair:
            if place in head.places:
                return self._nothing_more(head, weaker, (head.first, head.second))
            return any(self._alike(place, member) for member in head.places)
        if facts[place].is_cause and not facts[head.places[0]].is_cause:
            return False
        return self._nothing_more(head, weaker, self._together(place, head.places[0]))

    def _share_a_fact(self, one: Candidate, other: Candidate) -> bool:
        return any(self._alike(x, y) for x in one.places for y in other.places)

    def _alike(self, x: int, y: int) -> bool:
        if x == y:
            return True
        table = self._table
        both = sum(self._together(x, y))
        either = sum(int(each.having[x] + each.having[y]) for each in (table.first, table.second))
        return both >= ALIKE * (either - both)

    def _together(self, x: int, y: int) -> tuple[int, int]:
        at = self._rank[x], self._rank[y]
        return int(self._table.first.together[at]), int(self._table.second.together[at])

    def _nothing_more(self, head: Candidate, weaker: Candidate, both: tuple[int, int]) -> bool:
        """Whether `weaker` separates neither the requests with `head` nor those without."""
        first = np.array([head.first, self._sizes.first - head.first])
        second = np.array([head.second, self._sizes.second - head.second])
        a = np.array([both[0], weaker.first - both[0]])
        b = np.array([both[1], weaker.second - both[1]])
        return stratified_p(a, a + b, first, second) * self._tests > LEVEL


def _strength(candidate: Candidate, facts: Sequence[Fact]) -> tuple[object, ...]:
    """Sort key: the strongest first; of equal ones, the simplest, and those more frequent.

    The duration of requests comes last: it is the sum of what the others say.
    """
    total = any(facts[place].test is Test.DURATION for place in candidate.places)
    more = candidate.first >= candidate.second
    ranks = tuple(facts[place].rank for place in candidate.places)
    return (total, -round(candidate.information, 12), len(candidate.places), not more, ranks)
