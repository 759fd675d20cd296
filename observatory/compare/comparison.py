"""Compares two sets of requests: counts, tests, and ranks what separates them.

compare(query, first, second).findings[0].text
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from observatory.compare.counting import Counted, Table, count, numbers_having_all, trace_ids
from observatory.compare.definition import Definition
from observatory.compare.discovery import discover
from observatory.compare.fact import Fact
from observatory.compare.findings import (
    LEVEL,
    Candidate,
    Group,
    Sizes,
    grouped,
    pairs_of_facts,
    single_facts,
)
from observatory.compare.selection import Selection
from observatory.compare.significance import entropy, interval
from observatory.compare.sources import WHOLE, Query, Sources

MAX_REQUESTS, MAX_SPANS = 25_000, 50_000
"""Requests of either set, and spans of both, that are counted; of more, a sample is taken."""
DISCOVERY_REQUESTS = 1_000
"""Requests of either set in which facts are looked for."""
MAX_DEFINITION = 10
PAIRED = 250
"""Facts whose pairs are counted: those that split the requests most evenly."""
RATES = [int(WHOLE * 0.9**step) or 1 for step in range(132)]
"""Rates of samples, in millionths."""
_SIZES = """
SELECT
    in_first,
    count() AS requests,
    sumForEach(arrayMap(rate -> {hash} < rate, {rates:Array(UInt64)})) AS sampled,
    (
        SELECT count() / greatest(1, countIf({entry})) FROM vitrine.spans WHERE {windows}
    ) AS spans
FROM requests
GROUP BY in_first
"""


@dataclass(frozen=True, slots=True)
class Side:
    """One of the sets."""

    requests: int
    """All that match."""
    counted: int
    """Those in the sample."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A fact, or two, and how many of the counted requests of either set have it."""

    facts: Sequence[Fact]
    first: int
    second: int
    information: float
    """Fraction of the uncertainty about the set of a request that knowing the fact removes."""
    p: float
    adjusted_p: float
    """Corrected for all tests: at most `LEVEL`."""
    difference: tuple[float, float, float]
    """Of the shares in the sets (first minus second), and the bounds of its 95 % interval."""

    @property
    def phrase(self) -> str:
        """Such as “have app.region = eu and call SELECT at least 3 times”."""
        return " and ".join(fact.text for fact in self.facts)

    @property
    def filters(self) -> Sequence[str]:
        """Attribute tests that find such requests in the list of traces; they may be wider."""
        return tuple(dict.fromkeys(text for fact in self.facts for text in fact.filters))


@dataclass(frozen=True, slots=True)
class Finding:
    """What separates the sets, and weaker facts that it explains."""

    statement: Statement
    related: Sequence[Statement]
    examples: Sequence[str]
    """Trace ids of requests that have the fact, of the set in which it is more frequent."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The result; findings by strength. None: no fact separates the sets beyond chance."""

    first: Side
    second: Side
    findings: Sequence[Finding]
    definition: Sequence[Statement]
    """Facts that separate the sets but repeat how they are defined."""
    facts: int
    """Facts that were counted."""
    tests: int
    """Tests of facts that were corrected for."""
    pair_tests: int
    level: float
    seconds: float

    @property
    def sampled(self) -> bool:
        """Whether not all requests were counted."""
        return any(each.counted < each.requests for each in (self.first, self.second))


def compare(
    query: Query,
    first: Selection,
    second: Selection | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Comparison:
    """Compare two sets; without `second`, with all other requests in the window of `first`.

    Raises what `query` raises.
    """
    started = clock()
    counts = count_sets(query, first, second or Selection(first.start, first.end))
    return replace(conclude(query, counts), seconds=clock() - started)


@dataclass(frozen=True, slots=True)
class SetCounts:
    """What was counted in both sets; no facts if one of them is empty."""

    sources: Sources
    sides: tuple[Side, Side]
    table: Table
    excluded: frozenset[int]
    """Positions of the facts that repeat the definition of the sets."""

    @property
    def sizes(self) -> Sizes:
        """Requests that were counted."""
        return Sizes(self.sides[0].counted, self.sides[1].counted)


def count_sets(query: Query, first: Selection, second: Selection) -> SetCounts:
    """Choose the facts, and count them."""
    sources, sides = _sample(query, Sources(first, second))
    facts: Sequence[Fact] = ()
    if all(side.counted for side in sides):
        facts = discover(query, _few(sources, sides))
    if not facts:
        nothing = Counted(np.zeros(0, np.int64), np.zeros((0, 0), np.int64), ())
        return SetCounts(sources, sides, Table((), (), nothing, nothing), frozenset())
    definition = Definition(first, second)
    excluded = frozenset(place for place, fact in enumerate(facts) if definition.repeats(fact))
    table = count(query, sources, facts, list(range(min(PAIRED, len(facts)))))
    return SetCounts(sources, _grown(sides, table), table, excluded)


def _grown(sides: tuple[Side, Side], table: Table) -> tuple[Side, Side]:
    """The sides with at least as many requests as have a fact: some may have arrived meanwhile."""
    both = zip(sides, (table.first, table.second), strict=True)
    having = [(side, max(side.counted, int(each.having.max(initial=0)))) for side, each in both]
    first, second = (Side(max(side.requests, most), most) for side, most in having)
    return first, second


def conclude(query: Query, counts: SetCounts) -> Comparison:
    """The findings from the counts; `seconds` is 0."""
    if not counts.table.facts:
        return Comparison(*counts.sides, (), (), 0, 0, 0, LEVEL, 0)
    return _Comparing(query, counts).result()


def _sample(query: Query, sources: Sources) -> tuple[Sources, tuple[Side, Side]]:
    """The sources, limited to a sample if there are too many requests."""
    values = {**sources.values, "rates": RATES}
    rows = {row["in_first"]: row for row in query(sources.statement((), _SIZES), values)}
    nothing = {"requests": 0, "sampled": [0] * len(RATES), "spans": 1}
    first, second = rows.get(1, nothing), rows.get(0, nothing)
    most = max(2, int(MAX_SPANS / max(1, first["spans"], second["spans"])))
    rates, sides = [], []
    for side, other in ((first, second), (second, first)):
        allowed = min(MAX_REQUESTS, max(most // 2, most - other["requests"]))
        fitting = (at for at, sampled in enumerate(side["sampled"]) if sampled <= allowed)
        place = next(fitting, len(RATES) - 1)
        rates.append(RATES[place])
        sides.append(Side(side["requests"], side["sampled"][place]))
    return Sources(sources.first, sources.second, *rates), (sides[0], sides[1])


def _few(sources: Sources, sides: tuple[Side, Side]) -> Sources:
    """The sources, limited to the requests in which facts are looked for."""
    rates = [
        max(1, int(rate * min(1.0, DISCOVERY_REQUESTS / side.counted)))
        for side, rate in zip(sides, (sources.rate_first, sources.rate_second), strict=True)
    ]
    return Sources(sources.first, sources.second, *rates)


class _Comparing:
    """From counts to findings."""

    def __init__(self, query: Query, counts: SetCounts) -> None:
        self._query, self._sources, self._counts = query, counts.sources, counts
        self._sizes = counts.sizes

    def result(self) -> Comparison:
        table, excluded = self._counts.table, self._counts.excluded
        singles = single_facts(table, self._sizes, excluded)
        pairs = pairs_of_facts(table, self._sizes, excluded)
        definition = tuple(self._definition(table, excluded))
        groups, paired = self._grouped([*singles.candidates, *pairs.candidates], table)
        return Comparison(
            *self._counts.sides,
            tuple(self._findings(groups, paired)),
            definition,
            len(table.facts),
            singles.tests,
            pairs.tests,
            LEVEL,
            0,
        )

    def _grouped(
        self, candidates: Sequence[Candidate], table: Table
    ) -> tuple[Sequence[Group], Table]:
        """The groups, and the table that their positions refer to."""
        used = sorted({place for each in candidates for place in each.places})
        if len(candidates) > 1 and not set(used) <= set(table.paired):
            facts = [table.facts[place] for place in used]
            table = count(self._query, self._sources, facts, list(range(len(facts))))
            new = {place: at for at, place in enumerate(used)}
            candidates = [
                replace(each, places=tuple(new[place] for place in each.places))
                for each in candidates
            ]
        return grouped(candidates, table, self._sizes), table

    def _findings(self, groups: Sequence[Group], table: Table) -> Iterator[Finding]:
        examples = self._examples([group.head for group in groups], table)
        for group, traces in zip(groups, examples, strict=True):
            related = tuple(self._statement(each, table) for each in group.related)
            yield Finding(self._statement(group.head, table), related, traces)

    def _definition(self, table: Table, excluded: frozenset[int]) -> Iterator[Statement]:
        others = frozenset(range(len(table.facts))) - excluded
        for each in single_facts(table, self._sizes, others).candidates[:MAX_DEFINITION]:
            yield self._statement(each, table)

    def _statement(self, candidate: Candidate, table: Table) -> Statement:
        sizes = self._sizes
        of = (candidate.first, sizes.first, candidate.second, sizes.second)
        return Statement(
            tuple(table.facts[place] for place in candidate.places),
            candidate.first,
            candidate.second,
            candidate.information / entropy(sizes.first, sizes.second),
            candidate.p,
            candidate.adjusted,
            (candidate.first / sizes.first - candidate.second / sizes.second, *interval(*of)),
        )

    def _examples(self, heads: Sequence[Candidate], table: Table) -> Sequence[Sequence[str]]:
        """Trace ids for each candidate, of the set in which it is more frequent."""
        found: list[Sequence[str]] = [()] * len(heads)
        numbers = self._numbers(heads, table)
        for of_first in (True, False):
            places = [at for at, each in enumerate(heads) if self._is_more(each) is of_first]
            wanted = sorted({number for at in places for number in numbers[at]})
            if wanted:
                ids = trace_ids(self._query, self._sources, wanted, of_first)
                for at in places:
                    found[at] = tuple(ids[number] for number in numbers[at] if number in ids)
        return found

    def _is_more(self, candidate: Candidate) -> bool:
        """Whether it is more frequent in the first set."""
        first, second = self._sizes.first, self._sizes.second
        return candidate.first * second >= candidate.second * first

    def _numbers(self, heads: Sequence[Candidate], table: Table) -> Sequence[Sequence[int]]:
        """Numbers of example requests of the set in which each is more frequent."""
        pairs = [each for each in heads if each.is_pair]
        both: Mapping[tuple[bool, int], Sequence[int]] = {}
        if pairs:
            wanted = [[table.facts[place] for place in each.places] for each in pairs]
            both = numbers_having_all(self._query, self._sources, wanted)
        found: list[Sequence[int]] = []
        for each in heads:
            is_more = self._is_more(each)
            if each.is_pair:
                found.append(both.get((is_more, pairs.index(each)), ()))
            else:
                counted = table.first if is_more else table.second
                found.append(counted.examples[each.places[0]])
        return found
