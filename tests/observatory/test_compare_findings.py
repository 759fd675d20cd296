"""Planted differences and false alarms, counted over many simulated sets; the engine is not used.

The same is counted through the engine by `python -m benchmarks.comparison`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from observatory.compare.counting import Counted, Table
from observatory.compare.fact import Fact, Kind, Test
from observatory.compare.findings import (
    LEVEL,
    Candidate,
    Sizes,
    grouped,
    pairs_of_facts,
    single_facts,
)

Requests = NDArray[np.bool_]
KEYS, VALUES = 12, 5
"""Of the simulated attributes; small values are more frequent."""
SHARES = np.array([0.5, 0.25, 0.15, 0.07, 0.03])
PROXY = Fact(Kind.RESOURCE, "proxy")
FACTS = [
    *(
        Fact(Kind.ATTRIBUTE, f"key{key}", Test.EQUALS, f"value{value}")
        for key in range(KEYS)
        for value in range(VALUES)
    ),
    *(Fact(Kind.LOG, f"template {share}") for share in range(10)),
    PROXY,
]


@dataclass(frozen=True, slots=True)
class Planted:
    """Values of keys that a fraction of the first set's requests get."""

    values: tuple[tuple[int, int], ...]
    effect: float


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    """More of them wait for each other when the tests run in parallel."""
    with threadpool_limits(1):
        yield


def simulated(rng: np.random.Generator, count: int, planted: Planted | None) -> Requests:
    """Requests as rows, facts as columns; the proxy is true for most of those with key0=value2."""
    values = rng.choice(VALUES, size=(count, KEYS), p=SHARES)
    if planted:
        affected = rng.random(count) < planted.effect
        for key, value in planted.values:
            values[affected, key] = value
    attributes = (values[:, :, None] == np.arange(VALUES)).reshape(count, -1)
    templates = rng.random((count, 10)) < np.linspace(0.01, 0.6, 10)
    proxy = rng.random(count) < np.where(values[:, 0] == 2, 0.8, 0.1)
    return np.hstack([attributes, templates, proxy[:, None]])


def counted(requests: Requests) -> Counted:
    together = requests.T.astype(np.float32) @ requests.astype(np.float32)
    return Counted(requests.sum(axis=0), together.astype(np.int64), [()] * len(FACTS))


def table(first: Requests, second: Requests) -> tuple[Table, Sizes]:
    paired = list(range(len(FACTS)))
    return Table(FACTS, paired, counted(first), counted(second)), Sizes(len(first), len(second))


def strongest(first: Requests, second: Requests) -> Sequence[Candidate]:
    """The findings; none if nothing separates the sets beyond chance."""
    facts, sizes = table(first, second)
    singles = single_facts(facts, sizes, frozenset())
    pairs = pairs_of_facts(facts, sizes, frozenset())
    groups = grouped([*singles.candidates, *pairs.candidates], facts, sizes)
    return [group.head for group in groups]


def plain(first: Requests, second: Requests) -> int:
    """What others do: the place of the fact with the largest difference of shares."""
    return int(np.argmax(np.abs(first.mean(axis=0) - second.mean(axis=0))))


def test_sets_of_the_same_traffic_are_rarely_told_apart() -> None:
    """At most 5 % of 200 pairs; the plain method names a fact for each of them."""
    rng = np.random.default_rng(18)
    sizes = [(100, 100), (300, 300), (200, 4000), (2000, 2000)]
    alarms = 0
    for number in range(200):
        first, second = (simulated(rng, each, None) for each in sizes[number % len(sizes)])
        alarms += bool(strongest(first, second))
    assert alarms <= 200 * LEVEL


CASES = [
    (Planted(((0, 2),), 0.5), 200), (Planted(((0, 2),), 0.2), 600),
    (Planted(((3, 4),), 0.02), 4000),
    (Planted(((0, 2),), 0.05), 8000),
    (Planted(((1, 2), (2, 3)), 0.5), 200), (Planted(((1, 2), (2, 3)), 0.2), 600),
    (Planted(((1, 2), (2, 3)), 0.05), 4000),
]  # fmt: skip
REPEATS = 15


def test_what_was_planted_comes_first_and_more_often_than_by_the_largest_difference() -> None:
    rng = np.random.default_rng(19)
    ours = theirs = 0
    for planted, count in CASES:
        wanted = tuple(sorted(key * VALUES + value for key, value in planted.values))
        for _ in range(REPEATS):
            first, second = (simulated(rng, count, each) for each in (planted, None))
            found = strongest(first, second)
            ours += bool(found) and tuple(sorted(found[0].places)) == wanted
            theirs += (plain(first, second),) == wanted
    total = len(CASES) * REPEATS
    assert ours >= 0.95 * total
    assert theirs < ours


def test_a_proxy_is_listed_under_its_cause() -> None:
    rng = np.random.default_rng(20)
    first, second = (simulated(rng, 3000, each) for each in (Planted(((0, 2),), 0.3), None))
    facts, sizes = table(first, second)
    groups = grouped(single_facts(facts, sizes, frozenset()).candidates, facts, sizes)
    heads = [FACTS[group.head.places[0]] for group in groups]
    assert heads[0] == FACTS[2]
    assert PROXY not in heads
    assert PROXY in [FACTS[each.places[0]] for each in groups[0].related]


@pytest.mark.parametrize("excluded", [frozenset({2}), frozenset({2, len(FACTS) - 1})])
def test_what_defines_the_sets_is_left_out(excluded: frozenset[int]) -> None:
    rng = np.random.default_rng(21)
    facts, sizes = table(simulated(rng, 3000, Planted(((0, 2),), 0.3)), simulated(rng, 3000, None))
    found = {
        place for each in single_facts(facts, sizes, excluded).candidates for place in each.places
    }
    assert found
    assert not found & excluded
