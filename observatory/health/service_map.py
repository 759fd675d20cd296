"""Who calls whom, from spans: services, their callers and their dependencies."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from observatory.health.promql import NAME, Labels, Selector, Window
from observatory.ui.filters import FAILED, within
from observatory.ui.queries import Queries

CALLERS = ""
"""The source of requests whose caller sends no spans here."""
OUTCOMES = Selector((("=~", NAME, r"\w+_requests"),))
_KIND = """multiIf(
    SpanAttributes['db.system.name'] != '' OR SpanAttributes['db.system'] != '', 'database',
    SpanAttributes['messaging.system'] != '', 'messaging',
    SpanAttributes['rpc.system'] != '' OR SpanAttributes['rpc.system.name'] != '', 'rpc',
    SpanAttributes['http.request.method'] != '', 'http', 'other')"""
_PEER = """coalesce(
    nullIf(SpanAttributes['service.peer.name'], ''), nullIf(SpanAttributes['peer.service'], ''),
    nullIf(SpanAttributes['db.system.name'], ''), nullIf(SpanAttributes['db.system'], ''),
    nullIf(SpanAttributes['messaging.system'], ''),
    nullIf(concat(SpanAttributes['server.address'], if(
        SpanAttributes['server.port'] IN ('', '80', '443'), '',
        concat(':', SpanAttributes['server.port']))), ''),
    nullIf(SpanAttributes['rpc.service'], ''), SpanName)"""
_MEASURES = f"""count() AS calls, countIf({FAILED}) AS failed,
    quantilesExactInclusive(0.5, 0.95)(Duration) AS quantiles,
    argMaxIf(TraceId, Timestamp, {FAILED}) AS failed_trace,
    argMax(TraceId, Duration) AS slowest_trace"""
_CALLS = f"""
WITH servers AS
(
    SELECT ParentSpanId AS id, TraceId AS trace, any(ServiceName) AS callee
    FROM otel.otel_traces
    WHERE SpanKind IN ('Server', 'Consumer') AND ParentSpanId != '' AND {within("from", "to")}
    GROUP BY id, trace
)
SELECT ServiceName AS source, if(callee != '', callee, {_PEER}) AS target,
    if(callee != '', 'service', {_KIND}) AS kind, {_MEASURES}
FROM otel.otel_traces LEFT JOIN servers ON id = SpanId AND trace = TraceId
WHERE SpanKind IN ('Client', 'Producer') AND {within("from", "to")}
GROUP BY source, target, kind ORDER BY calls DESC, source, target LIMIT 200
"""
_CALLED = f"""
SELECT '' AS source, ServiceName AS target, 'service' AS kind, {_MEASURES}
FROM otel.otel_traces
WHERE SpanKind IN ('Server', 'Consumer') AND {within("from", "to")}
    AND (ParentSpanId = '' OR ParentSpanId NOT IN (
        SELECT SpanId FROM otel.otel_traces
        WHERE SpanKind IN ('Client', 'Producer') AND {within("from", "to")}))
GROUP BY target ORDER BY calls DESC, target LIMIT 100
"""


@dataclass(frozen=True, slots=True)
class Edge:
    """Calls from one node to another in the window; latency in nanoseconds."""

    source: str
    """A service, or empty: callers that send no spans here."""
    target: str
    kind: Literal["service", "database", "messaging", "rpc", "http", "other"]
    """What the target is."""
    calls: int
    per_second: float
    failed: int
    p50: float
    p95: float
    trace_id: str
    """The newest that failed, else the slowest."""


@dataclass(frozen=True, slots=True)
class Outcomes:
    """How calls of a dependency ended, cache and circuit breaker included: a counter `….requests`
    with an attribute `….outcome`."""

    service: str
    name: str
    """The middle of the counter's name: `topic signal`."""
    counts: Mapping[str, int]


def edges(queries: Queries, seconds: int) -> list[Edge]:
    """The edges of the map: calls of services first, then requests from outside."""
    now = queries.clock()
    ends = {"from": now - seconds * 10**9, "to": now + 1}
    rows = [*queries.rows(_CALLS, ends), *queries.rows(_CALLED, ends)]
    return [_edge(row, seconds) for row in rows]


def dependencies(found: Sequence[Edge]) -> list[Edge]:
    """The edges that leave a service."""
    return [edge for edge in found if edge.source != CALLERS]


def _edge(row: Mapping[str, Any], seconds: int) -> Edge:
    return Edge(
        source=row["source"],
        target=row["target"],
        kind=row["kind"],
        calls=row["calls"],
        per_second=row["calls"] / seconds,
        failed=row["failed"],
        p50=row["quantiles"][0],
        p95=row["quantiles"][1],
        trace_id=row["failed_trace"] if row["failed"] else row["slowest_trace"],
    )


def outcomes(windows: Mapping[Labels, Window]) -> list[Outcomes]:
    """The outcomes in windows of OUTCOMES, the counters with most calls first."""
    found: dict[tuple[str, str], Counter[str]] = {}
    for labels, window in windows.items():
        known = dict(labels)
        outcome = next((value for key, value in known.items() if key.endswith(".outcome")), None)
        name = known[NAME].partition("_")[2].removesuffix("_requests").replace("_", " ")
        if outcome is not None and name and name != "cache":
            counts = found.setdefault((known["service.name"], name), Counter())
            counts[outcome] += round(window.increase)
    return [
        Outcomes(service, name, dict(counts.most_common()))
        for (service, name), counts in sorted(found.items(), key=lambda each: -each[1].total())
        if counts.total()
    ]
