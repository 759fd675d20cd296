"""Request rate, error rate and latency over time, with exemplars.

A request is a span that enters a service (SERVER or CONSUMER); background work is none.
"""

from collections.abc import Sequence
from typing import Any

from observatory.ui.filters import DEGRADED, FAILED, FILTERS, Filter, around, within
from observatory.ui.parameters import MILLISECOND, RANGE, SECOND, Parameters, Range
from observatory.ui.queries import Queries
from observatory.ui.responses import invalid

KNOWN = (*RANGE, *FILTERS, "step")
POINTS, MAX_POINTS, MAX_EXEMPLARS = 120, 1000, 300
MINUTE, HOUR, DAY = 60, 3600, 86_400
STEPS = (1, 2, 5, 10, 15, 30, *(n * MINUTE for n in (1, 2, 5, 10, 15, 30)), HOUR, 2 * HOUR)
REQUEST = "SpanKind IN ('Server', 'Consumer')"
REFUSED = "(SpanKind = 'Server' AND startsWith(SpanAttributes['http.response.status_code'], '4'))"
"""Requests with a 4xx response: errors of the client, not of the service."""
_EXEMPLAR = f"""(
    toUnixTimestamp64Nano(Timestamp), Duration, TraceId,
    multiIf({FAILED}, 'error', {DEGRADED}, 'degraded', 'ok'), SpanName
)"""
_POINTS = f"""
SELECT intDiv(toUnixTimestamp(toDateTime(Timestamp)), {{step:UInt32}}) * {{step:UInt32}} AS time,
    uniqExact(TraceId, SpanId) AS requests, uniqExactIf(TraceId, SpanId, {FAILED}) AS errors,
    uniqExactIf(TraceId, SpanId, {REFUSED}) AS refused,
    quantilesExactInclusive(0.5, 0.95, 0.99)(Duration) AS quantiles,
    argMax({_EXEMPLAR}, (Duration, TraceId)) AS slowest,
    argMinIf({_EXEMPLAR}, cityHash64(TraceId), {FAILED}) AS failed,
    argMin({_EXEMPLAR}, cityHash64(TraceId)) AS any
FROM otel.otel_traces WHERE {REQUEST} AND {within("from", "to")} AND {{where}}
GROUP BY time
"""
Point = dict[str, Any]


def charts(queries: Queries, parameters: Parameters) -> dict[str, Any]:
    """The data points of each series; the last step may be incomplete."""
    where = parameters.range(queries.clock(), queries.kept)
    step = parameters.whole("step", 1, DAY) or step_of(where)
    times = range(step_start(where.start, step), -step_start(-where.end, step), step)
    if len(times) > MAX_POINTS:
        raise invalid("step", f"gives more than {MAX_POINTS} points; use a longer step")
    where = Range(step_start(where.start, step) * SECOND, where.end)
    found = {point["time"]: point for point in _found(queries, Filter.of(parameters), where, step)}
    points = [found.get(time) for time in times]
    seconds = [min(step, max(1, where.end / SECOND - time)) for time in times]
    return {
        "step": step,
        "times": list(times),
        "rate": _per_second(points, "requests", seconds),
        "errors": _per_second(points, "errors", seconds),
        "refused": _per_second(points, "refused", seconds),
        **{name: _quantile(points, at) for at, name in enumerate(("p50", "p95", "p99"))},
        "exemplars": _exemplars(points),
    }


def step_start(timestamp: int, step: int) -> int:
    """Start of the step that contains a timestamp (nanoseconds), in seconds."""
    return timestamp // (step * SECOND) * step


def step_of(where: Range) -> int:
    """The step for a range, in seconds."""
    wanted = (where.end - where.start) / SECOND / POINTS
    return next((step for step in STEPS if step >= wanted), DAY)


def _found(queries: Queries, chosen: Filter, where: Range, step: int) -> list[Point]:
    condition = chosen.on_request()
    sql = _POINTS.replace("{where}", condition.sql)
    return queries.rows(sql, {**around(where), "step": step, **condition.values})


def _per_second(points: Sequence[Point | None], name: str, seconds: Sequence[float]) -> list[float]:
    return [
        point[name] / length if point else 0 for point, length in zip(points, seconds, strict=True)
    ]


def _quantile(points: Sequence[Point | None], at: int) -> list[float | None]:
    return [point["quantiles"][at] / MILLISECOND if point else None for point in points]


def _exemplars(points: Sequence[Point | None]) -> list[dict[str, Any]]:
    """Per point the slowest trace, a failed one and any one; at most MAX_EXEMPLARS in all."""
    chosen: dict[tuple[int, str], list[Any]] = {}
    for kind in ("slowest", "failed", "any"):
        for point in points:
            if point and (kind != "failed" or point["errors"]) and len(chosen) < MAX_EXEMPLARS:
                time, _, trace_id, *_ = point[kind]
                chosen[time, trace_id] = point[kind]
    return [
        {
            "time": time / MILLISECOND,
            "duration": duration / MILLISECOND,
            "trace_id": trace_id,
            "status": status,
            "name": name,
        }
        for time, duration, trace_id, status, name in sorted(chosen.values())
    ]
