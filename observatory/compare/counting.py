"""Counts how many requests of each set have each fact, and each pair of facts.

One statement: a bitmap of request numbers for each fact and set. Only counts leave the database.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from observatory.compare.fact import Fact, Kind, Test
from observatory.compare.sources import LOGS, SPANS, Query, Rows, Sources, Value, stages

Counts = NDArray[np.int64]
SEPARATOR = "="
"""Between a key and its value."""


def _looked_up(text: str, name: str) -> str:
    """SQL for the number of the fact that a text stands for; 0 if there is none."""
    return f"transform({text}, {_texts(text, name)}, {{{name}_facts:Array(UInt32)}}, toUInt32(0))"


def _texts(text: str, name: str) -> str:
    texts = f"{{{name}_texts:Array(String)}}"
    return f"arrayMap(each -> cityHash64(each), {texts})" if text == "stage" else texts


def _graded(subject: str, quantity: str, name: str) -> str:
    """SQL for the facts whose threshold a quantity reaches."""
    place = (
        f"transform({subject}, {_texts(subject, name)}, {{{name}_places:Array(UInt32)}},"
        " toUInt32(1))"
    )
    return (
        f"arrayMap(step -> toUInt32({{{name}_first:Array(UInt32)}}[{place}] + step),"
        f" range(arrayCount(limit -> {quantity} >= limit,"
        f" {{{name}_limits:Array(Array(Float64))}}[{place}])))"
    )


_OF_SPANS = f"""
    SELECT in_first, number, arrayJoin(arrayFilter(each -> each != 0, arrayConcat(
        arrayMap((key, value) -> {_looked_up(f"concat(key, '{SEPARATOR}', value)", "equal")},
            keys, texts),
        arrayMap(key -> {_looked_up("key", "present")}, keys),
        arrayFlatten(arrayMap(
            (key, value) -> {_graded("key", "ifNull(toFloat64OrNull(value), -inf)", "numeric")},
            keys, texts))
    ))) AS fact
    FROM spans"""
_OF_STAGES = f"""
    SELECT in_first, number, arrayJoin(arrayConcat(
        [{_looked_up("stage", "passed")}, if(failed, {_looked_up("stage", "failed")}, 0)],
        {_graded("stage", "calls", "many")},
        {_graded("stage", "self_time", "slow")}
    )) AS fact
    FROM stages"""
_OF_LOGS = f"""
    SELECT in_first, number, {_looked_up("template", "logged")} AS fact FROM templates"""
_OF_REQUESTS = f"""
    SELECT in_first, number, arrayJoin({_graded("'request'", "duration", "long")}) AS fact
    FROM requests"""
_COUNTS = """
SELECT
    in_first,
    entry.1 AS fact,
    bitmapCardinality(entry.2) AS requests,
    -- Each pair once: with itself and the facts after it.
    indexOf(arrayMap(other -> other.1, paired_bitmaps), fact) AS place,
    if(
        place > 0,
        arrayMap(
            other -> (other.1, bitmapAndCardinality(entry.2, other.2)),
            arraySlice(paired_bitmaps, place)
        ),
        []
    ) AS together,
    bitmapToArray(bitmapSubsetLimit(entry.2, 0, {examples:UInt32})) AS examples
FROM
(
    SELECT
        in_first,
        groupArray((fact, bitmap)) AS bitmaps,
        arrayFilter(each -> has({paired:Array(UInt32)}, each.1), bitmaps) AS paired_bitmaps
    FROM
    (
        SELECT in_first, fact, groupBitmapState(number) AS bitmap
        FROM facts
        WHERE fact != 0
        GROUP BY in_first, fact
    )
    GROUP BY in_first
)
ARRAY JOIN bitmaps AS entry
"""
_TRACES = """
SELECT number, trace_id FROM requests
WHERE in_first = {of_first:UInt8} AND has({numbers:Array(UInt32)}, number)
"""
_HAVING_ALL = """
SELECT
    in_first,
    arrayJoin(arrayFilter(
        place -> hasAll(having, {wanted:Array(Array(UInt32))}[place]),
        arrayEnumerate({wanted:Array(Array(UInt32))})
    )) AS finding,
    arraySlice(groupArray(number), 1, {examples:UInt32}) AS numbers
FROM
(
    SELECT in_first, number, groupUniqArray(fact) AS having
    FROM facts
    WHERE fact != 0
    GROUP BY in_first, number
)
GROUP BY in_first, finding
"""
EXAMPLES = 3
"""Example requests of a fact."""
_SPANS = (_OF_SPANS, (SPANS,))
_STAGES = (_OF_STAGES, (SPANS, stages("cityHash64(name)")))
_SOURCES = {
    **dict.fromkeys((Kind.ATTRIBUTE, Kind.RESOURCE, Kind.EVENT), _SPANS),
    **dict.fromkeys((Kind.STAGE, Kind.DEPENDENCY, Kind.REQUEST), _STAGES),
    Kind.LOG: (_OF_LOGS, (LOGS,)),
}
"""SQL for the facts of a kind, and the parts it is made of."""
_GRADES = {
    Test.AT_LEAST: "numeric",
    Test.CALLS: "many",
    Test.SELF_TIME: "slow",
    Test.DURATION: "long",
}


@dataclass(frozen=True, slots=True)
class Counted:
    """Requests of one set, by position of the fact."""

    having: Counts
    together: Counts
    """Those that have both of two paired facts, by their places in `Table.paired`."""
    examples: Sequence[Sequence[int]]
    """Numbers of some requests that have the fact."""


@dataclass(frozen=True, slots=True)
class Table:
    """What was counted."""

    facts: Sequence[Fact]
    paired: Sequence[int]
    """Positions of the facts that were counted in pairs."""
    first: Counted
    second: Counted


class _Numbers:
    """Numbers the facts from 1; those that differ by threshold only are consecutive."""

    def __init__(self, facts: Sequence[Fact]) -> None:
        order = sorted(facts, key=lambda fact: (fact.kind, fact.subject, fact.test, fact.threshold))
        self.of = {fact: number for number, fact in enumerate(order, 1)}
        self._order = order

    def parameters(self) -> dict[str, Value]:
        values: dict[str, Value] = {}
        for name, texts in self._looked_up().items():
            values[f"{name}_texts"] = list(texts)
            values[f"{name}_facts"] = list(texts.values())
        for test, name in _GRADES.items():
            families: dict[str, list[Fact]] = {}
            for fact in self._order:
                if fact.test is test:
                    families.setdefault(fact.subject, []).append(fact)
            # The first place is that of subjects without thresholds.
            values[f"{name}_texts"] = list(families)
            values[f"{name}_places"] = list(range(2, len(families) + 2))
            values[f"{name}_first"] = [0, *(self.of[each[0]] for each in families.values())]
            limits = [[fact.threshold for fact in each] for each in families.values()]
            values[f"{name}_limits"] = [[], *limits]
        return values

    def _looked_up(self) -> dict[str, dict[str, int]]:
        texts: dict[str, dict[str, int]] = {
            name: {} for name in ("equal", "present", "passed", "failed", "logged")
        }
        for fact, number in self.of.items():
            if fact.test is Test.EQUALS:
                texts["equal"][f"{fact.subject}{SEPARATOR}{fact.value}"] = number
            elif fact.test is Test.FAILS:
                texts["failed"][fact.subject] = number
            elif fact.test is Test.OCCURS:
                name, text = _OCCURRING.get(fact.kind, ("passed", "{}"))
                texts[name][text.format(fact.subject)] = number
        return texts


_OCCURRING = {
    Kind.ATTRIBUTE: ("present", "{}"),
    Kind.RESOURCE: ("present", "{}"),
    Kind.EVENT: ("equal", f"{SEPARATOR}{{}}"),
    Kind.LOG: ("logged", "{}"),
}


def _parts(facts: Sequence[Fact]) -> Sequence[str]:
    """The parts of a statement over these facts; those of other kinds are not read."""
    used = dict.fromkeys(
        (_OF_REQUESTS, ()) if fact.test is Test.DURATION else _SOURCES[fact.kind] for fact in facts
    )
    parts = dict.fromkeys(part for _, needed in used for part in needed)
    union = "\n    UNION ALL".join(select for select, _ in used)
    return (*parts, f"\nfacts AS\n({union}\n)")


def count(query: Query, sources: Sources, facts: Sequence[Fact], paired: Sequence[int]) -> Table:
    """Count the facts, and the pairs of those at the positions `paired`."""
    numbers = _Numbers(facts)
    values: dict[str, Value] = {
        **sources.values,
        **numbers.parameters(),
        "paired": [numbers.of[facts[place]] for place in paired],
        "examples": EXAMPLES,
    }
    rows = query(sources.statement(_parts(facts), _COUNTS), values)
    places = {numbers.of[fact]: place for place, fact in enumerate(facts)}
    first, second = (
        _of_set([row for row in rows if row["in_first"] == number], places, paired)
        for number in (1, 0)
    )
    return Table(facts, paired, first, second)


def numbers_having_all(
    query: Query, sources: Sources, wanted: Sequence[Sequence[Fact]]
) -> Mapping[tuple[bool, int], Sequence[int]]:
    """Numbers of some requests that have all of several facts: by set, and position in `wanted`."""
    facts = sorted({fact for each in wanted for fact in each})
    numbers = _Numbers(facts)
    values: dict[str, Value] = {
        **sources.values,
        **numbers.parameters(),
        "examples": EXAMPLES,
        "wanted": [[numbers.of[fact] for fact in each] for each in wanted],
    }
    rows = query(sources.statement(_parts(facts), _HAVING_ALL), values)
    return {(bool(row["in_first"]), row["finding"] - 1): row["numbers"] for row in rows}


def trace_ids(
    query: Query, sources: Sources, numbers: Sequence[int], of_first: bool
) -> Mapping[int, str]:
    """The trace ids of requests of one set, by number."""
    values = {**sources.values, "of_first": int(of_first), "numbers": list(numbers)}
    rows = query(sources.statement((), _TRACES), values)
    return {row["number"]: row["trace_id"] for row in rows}


def _of_set(rows: Rows, places: Mapping[int, int], paired: Sequence[int]) -> Counted:
    having = np.zeros(len(places), dtype=np.int64)
    together = np.zeros((len(paired), len(paired)), dtype=np.int64)
    examples: list[Sequence[int]] = [()] * len(places)
    rank = {position: place for place, position in enumerate(paired)}
    for row in rows:
        position = places[row["fact"]]
        having[position] = row["requests"]
        examples[position] = row["examples"]
        if row["together"]:
            numbers, counts = zip(*row["together"], strict=True)
            others = [rank[places[number]] for number in numbers]
            together[rank[position], others] = together[others, rank[position]] = counts
    return Counted(having, together, examples)
