"""Which facts to count: the frequent values of each key, quantiles of numbers, stages, templates.

Looks at a small sample without asking which set a request is in, so that the choice can't favour
facts that differ by chance.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from observatory.compare.fact import Fact, Kind, Test
from observatory.compare.selection import RESOURCE
from observatory.compare.sources import (
    LOGS,
    MAX_VALUE_LENGTH,
    SPANS,
    Query,
    Sources,
    stages,
)

MAX_KEYS, MAX_VALUES, MAX_STAGES, MAX_TEMPLATES = 200, 20, 100, 100
MAX_FACTS = 1500
FEW_VALUES = 12
"""Numbers with at most so many different values are compared by value only."""
MIN_REQUESTS = 3
"""In the sample; a rarer fact is not counted."""
_COLUMNS = {
    "name": "''", "span_kind": "''", "requests": "0", "different": "0", "numeric": "0",
    "thresholds": "[]", "values": "[]", "failures": "0", "many": "[]",
}  # fmt: skip
"""The columns of all parts of the statement, and their values in parts that lack them."""


def _part(name: str, select: str, *columns: str) -> str:
    """SQL for a part of the statement, which has these columns."""
    listed = ", ".join(
        each if each in columns else f"{missing} AS {each}" for each, missing in _COLUMNS.items()
    )
    return f"SELECT '{name}' AS part, {listed} FROM\n({select})"


_KEYS = f"""
    SELECT
        key AS name,
        uniqExact(in_first, number) AS requests,
        uniq(value) AS different,
        countIf(isNotNull(quantity)) / count() AS numeric,
        arraySort(arrayDistinct(quantiles(0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98)(quantity)))
            AS thresholds,
        arrayMap(
            each -> (each.1, each.2), approx_top_k({MAX_VALUES}, 2000)(value)
        ) AS values
    FROM
    (
        SELECT in_first, number, key, value, toFloat64OrNull(value) AS parsed,
            if(isFinite(parsed), parsed, NULL) AS quantity
        FROM spans
        ARRAY JOIN keys AS key, texts AS value
        WHERE length(value) <= {MAX_VALUE_LENGTH}
    )
    GROUP BY name
    ORDER BY requests DESC, name
    LIMIT {MAX_KEYS}
"""
_LEVELS = "0.1, 0.25, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99"
"""Quantiles of durations: close together where the slow ones begin."""
_STAGES = f"""
    SELECT
        stage.1 AS name,
        any(stage.2) AS span_kind,
        count() AS requests,
        countIf(failed) AS failures,
        arraySort(arrayDistinct(quantiles(0.5, 0.9, 0.98)(calls))) AS many,
        arraySort(arrayDistinct(quantiles({_LEVELS})(self_time))) AS thresholds
    FROM stages
    GROUP BY name
    ORDER BY requests DESC, name
    LIMIT {MAX_STAGES}
"""
_TEMPLATES = f"""
    SELECT template AS name, uniqExact(in_first, number) AS requests
    FROM templates
    GROUP BY name
    ORDER BY requests DESC, name
    LIMIT {MAX_TEMPLATES}
"""
_DURATIONS = f"""
    SELECT
        count() AS requests,
        arraySort(arrayDistinct(quantiles({_LEVELS})(duration))) AS thresholds
    FROM requests
"""
# One statement, which reads everything once.
_DISCOVERY = "\n" + "\nUNION ALL\n".join(
    [
        _part("durations", _DURATIONS, "requests", "thresholds"),
        _part("key", _KEYS, "name", "requests", "different", "numeric", "thresholds", "values"),
        _part("stage", _STAGES, "name", "span_kind", "requests", "failures", "many", "thresholds"),
        _part("template", _TEMPLATES, "name", "requests"),
    ]
)


_NAME_AND_KIND = "(name, if(parent_id = '', 'server', kind))"
_KINDS = {"server": Kind.REQUEST, "client": Kind.DEPENDENCY, "producer": Kind.DEPENDENCY}


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A fact, and how many requests of the sample have it."""

    fact: Fact
    requests: float


def discover(query: Query, sources: Sources) -> Sequence[Fact]:
    """At most MAX_FACTS facts, those that split the requests most evenly first."""
    parts = (SPANS, stages(_NAME_AND_KIND), LOGS)
    rows = query(sources.statement(parts, _DISCOVERY), sources.values)
    total = next(int(row["requests"]) for row in rows if row["part"] == "durations")
    found = [fact for row in rows for fact in _facts(row, total)]
    balance = {
        each.fact: min(each.requests, total - each.requests)
        for each in found
        if each.requests >= MIN_REQUESTS or each.fact.threshold
    }
    useful = [fact for fact, least in balance.items() if least > 0]
    return sorted(useful, key=lambda fact: (-balance[fact], fact.rank))[:MAX_FACTS]


def _facts(row: Mapping[str, Any], total: int) -> Iterator[_Candidate]:
    match row["part"]:
        case "durations":
            longer = Fact(Kind.REQUEST, "request", Test.DURATION)
            yield from _graded(longer, row["thresholds"], total)
        case "key":
            yield from _of_key(row)
        case "stage":
            yield from _of_stage(row)
        case _:
            yield _Candidate(Fact(Kind.LOG, row["name"]), row["requests"])


def _of_key(row: Mapping[str, Any]) -> Iterator[_Candidate]:
    key, requests = row["name"], row["requests"]
    if not key:
        for name, count in row["values"]:
            yield _Candidate(Fact(Kind.EVENT, name), count)
        return
    kind = Kind.RESOURCE if key.startswith(RESOURCE) else Kind.ATTRIBUTE
    yield _Candidate(Fact(kind, key), requests)
    for value, count in row["values"]:
        # Counted by span: at most each request has it.
        yield _Candidate(Fact(kind, key, Test.EQUALS, value), min(count, requests))
    if row["numeric"] > 0.95 and row["different"] > FEW_VALUES:
        yield from _graded(Fact(kind, key, Test.AT_LEAST), row["thresholds"], requests)


def _of_stage(row: Mapping[str, Any]) -> Iterator[_Candidate]:
    name, requests = row["name"], row["requests"]
    kind = _KINDS.get(row["span_kind"], Kind.STAGE)
    yield _Candidate(Fact(kind, name), requests)
    yield _Candidate(Fact(kind, name, Test.FAILS), row["failures"])
    yield from _graded(Fact(kind, name, Test.CALLS), row["many"], requests, at_least=2)
    yield from _graded(Fact(kind, name, Test.SELF_TIME), row["thresholds"], requests)


def _graded(
    fact: Fact, thresholds: Sequence[float | None], requests: float, at_least: float = 0
) -> Iterator[_Candidate]:
    """The fact with each threshold, rounded to three digits."""
    rounded = sorted({float(f"{each:.3g}") for each in thresholds if each is not None})
    for place, threshold in enumerate(rounded):
        if threshold >= max(at_least, 1e-9) or threshold < 0:
            share = 1 - place / len(rounded)
            yield _Candidate(
                Fact(fact.kind, fact.subject, fact.test, threshold=threshold), requests * share
            )
