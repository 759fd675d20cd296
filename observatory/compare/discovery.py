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
_KEYS = f"""
SELECT
    key AS name,
    '' AS span_kind,
    uniqExact(in_first, number) AS requests,
    uniq(value) AS different,
    countIf(isNotNull(quantity)) / count() AS numeric,
    arraySort(arrayDistinct(quantiles(0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98)(quantity)))
        AS thresholds,
    arrayMap(
        each -> (each.1, each.2), approx_top_k({MAX_VALUES}, 2000)(value)
    ) AS values,
    0 AS failures,
    [] AS many
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
    0 AS different,
    0 AS numeric,
    arraySort(arrayDistinct(quantiles({_LEVELS})(self_time)))
        AS thresholds,
    [] AS values,
    countIf(failed) AS failures,
    arraySort(arrayDistinct(quantiles(0.5, 0.9, 0.98)(calls))) AS many
FROM stages
GROUP BY name
ORDER BY requests DESC, name
LIMIT {MAX_STAGES}
"""
# In one statement, which reads the spans once.
_OF_SPANS = f"""
SELECT true AS is_stage, * FROM ({_STAGES})
UNION ALL
SELECT false AS is_stage, * FROM ({_KEYS})
"""
_TEMPLATES = f"""
SELECT template, uniqExact(in_first, number) AS requests
FROM templates
GROUP BY template
ORDER BY requests DESC, template
LIMIT {MAX_TEMPLATES}
"""
_DURATIONS = f"""
SELECT
    count() AS requests,
    arraySort(arrayDistinct(
        quantiles({_LEVELS})(duration)
    )) AS slow
FROM requests
"""


_NAME_AND_KIND = "(name, if(parent_id = '', 'server', kind))"
_KINDS = {"server": Kind.REQUEST, "client": Kind.DEPENDENCY, "producer": Kind.DEPENDENCY}


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A fact, and how many requests of the sample have it."""

    fact: Fact
    requests: float


def discover(query: Query, sources: Sources) -> Sequence[Fact]:
    """At most MAX_FACTS facts, those that split the requests most evenly first."""
    values = sources.values
    whole = query(sources.statement((), _DURATIONS), values)[0]
    total = int(whole["requests"])
    found = list(_graded(Fact(Kind.REQUEST, "request", Test.DURATION), whole["slow"], total))
    for row in query(sources.statement((SPANS, stages(_NAME_AND_KIND)), _OF_SPANS), values):
        found += _of_stage(row) if row["is_stage"] else _of_key(row)
    for row in query(sources.statement((LOGS,), _TEMPLATES), values):
        found.append(_Candidate(Fact(Kind.LOG, row["template"]), row["requests"]))
    balance = {
        each.fact: min(each.requests, total - each.requests)
        for each in found
        if each.requests >= MIN_REQUESTS or each.fact.threshold
    }
    useful = [fact for fact, least in balance.items() if least > 0]
    return sorted(useful, key=lambda fact: (-balance[fact], fact.rank))[:MAX_FACTS]


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
