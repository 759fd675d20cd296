"""Where the slowest requests spend what usual ones don't: critical paths of samples of both."""

from collections.abc import Mapping, Sequence
from typing import Any

from observatory.traces.time_spent import NamedSpan, Stack, mean_times
from observatory.traces.tree import Span
from observatory.ui.charts import REQUEST
from observatory.ui.filters import AROUND, FILTERS, Filter, around, within
from observatory.ui.parameters import RANGE, Parameters
from observatory.ui.queries import LIST_VALUE_BYTES, Queries, Rows, array, cut

KNOWN = (*RANGE, *FILTERS)
SLOW = 0.99
"""Slow requests are those above this quantile of the duration."""
USUAL = (0.4, 0.6)
"""Usual ones are between these."""
MAX_TRACES, MAX_SPANS = 100, 40_000
"""Traces of either sample, chosen by a hash of their id, and spans of both."""
_QUANTILES = f"""
SELECT count() AS requests, max(Duration) AS longest,
    quantilesTDigest({USUAL[0]}, {USUAL[1]}, {SLOW})(Duration) AS quantiles
FROM otel.otel_traces WHERE {REQUEST} AND {within("from", "to")} AND {{where}}
"""
_CHOSEN = f"""
SELECT DISTINCT TraceId AS trace_id, arrayJoin(arrayConcat(
    if(Duration >= {{slow:Float64}}, ['slow'], []),
    if(Duration BETWEEN {{low:Float64}} AND {{high:Float64}}, ['usual'], [])
)) AS sample
FROM otel.otel_traces WHERE {REQUEST} AND {within("from", "to")} AND {{where}}
    AND (Duration >= {{slow:Float64}} OR Duration BETWEEN {{low:Float64}} AND {{high:Float64}})
ORDER BY cityHash64(trace_id) LIMIT {MAX_TRACES} BY sample
"""
_SPANS = f"""
SELECT TraceId AS trace_id, SpanId AS span_id, ParentSpanId AS parent_id,
    toUnixTimestamp64Nano(Timestamp) AS start, Duration AS duration, {cut("SpanName")} AS name,
    if(ResourceAttributes['host.name'] != '', ResourceAttributes['host.name'], ServiceName)
        AS clock
FROM otel.otel_traces
WHERE TraceId IN {{ids:Array(String)}} AND {within("spans_from", "spans_to")}
ORDER BY trace_id, start LIMIT {MAX_SPANS}
"""


def time_spent(queries: Queries, parameters: Parameters) -> dict[str, Any]:
    """Mean milliseconds on the critical path by call stack, of slow and of usual requests."""
    where = parameters.range(queries.clock(), queries.kept)
    condition = Filter.of(parameters).on_request()
    values = {**around(where), **condition.values}
    found = queries.row(_QUANTILES.replace("{where}", condition.sql), values)
    low, high, slow = map(float, found["quantiles"] if found["requests"] else (0, 0, 0))
    slow = min(slow, found["longest"])  # quantiles have 24 bits, and may be above all durations
    limits = {"low": low, "high": high, "slow": slow}
    chosen = queries.rows(_CHOSEN.replace("{where}", condition.sql), {**values, **limits})
    ids = array(sorted({row["trace_id"] for row in chosen}))
    extent = {"spans_from": where.start - AROUND, "spans_to": where.end + AROUND}
    traces = _traces(queries.rows(_SPANS, {"ids": ids, "cut": LIST_VALUE_BYTES, **extent}))
    samples: dict[str, tuple[int, Mapping[Stack, float]]] = {}
    for name in ("slow", "usual"):
        wanted = {row["trace_id"] for row in chosen if row["sample"] == name}
        samples[name] = mean_times(traces[each] for each in sorted(wanted & traces.keys()))
    stacks = sorted({stack for _, times in samples.values() for stack in times})
    return {
        "requests": found["requests"],
        "slow_ms": slow / 1e6,
        "usual_ms": [low / 1e6, high / 1e6],
        "traces": {name: count for name, (count, _) in samples.items()},
        "stacks": [
            {
                "stack": list(stack),
                **{name: times.get(stack, 0) / 1e6 for name, (_, times) in samples.items()},
            }
            for stack in stacks
        ],
    }


def _traces(rows: Rows) -> Mapping[str, Sequence[NamedSpan]]:
    """The spans of each trace, without duplicates; the last trace may be cut, and is left out."""
    by_trace: dict[str, dict[str, NamedSpan]] = {}
    for row in rows:
        span = Span(row["span_id"], row["parent_id"], row["start"], row["duration"], row["clock"])
        by_trace.setdefault(row["trace_id"], {})[row["span_id"]] = NamedSpan(span, row["name"])
    if len(rows) == MAX_SPANS and len(by_trace) > 1:
        by_trace.popitem()
    return {trace: list(spans.values()) for trace, spans in by_trace.items()}
