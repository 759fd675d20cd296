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
MAX_TRACES, MAX_SPANS = 100, 20_000
"""Of either sample; traces are chosen by a hash of their id."""
_QUANTILES = f"""
SELECT count() AS requests,
    quantilesTDigest({USUAL[0]}, {USUAL[1]}, {SLOW})(Duration) AS quantiles
FROM otel.otel_traces WHERE {REQUEST} AND {within("from", "to")} AND {{where}}
"""
_CHOSEN = f"""
SELECT DISTINCT TraceId AS trace_id
FROM otel.otel_traces WHERE {REQUEST} AND {within("from", "to")} AND {{where}}
    AND Duration >= {{least:Float64}} AND Duration <= {{most:Float64}}
ORDER BY cityHash64(trace_id) LIMIT {MAX_TRACES}
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
    low, high, slow = found["quantiles"] if found["requests"] else (0, 0, 0)
    limits = {"slow": (slow, 1e19), "usual": (low, high)}
    samples: dict[str, tuple[int, Mapping[Stack, float]]] = {}
    for name, (least, most) in limits.items():
        sql = _CHOSEN.replace("{where}", condition.sql)
        chosen = queries.rows(sql, {**values, "least": float(least), "most": float(most)})
        ids = array([row["trace_id"] for row in chosen])
        extent = {"spans_from": where.start - AROUND, "spans_to": where.end + AROUND}
        rows = queries.rows(_SPANS, {"ids": ids, "cut": LIST_VALUE_BYTES, **extent})
        samples[name] = mean_times(_traces(rows))
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


def _traces(rows: Rows) -> Sequence[Sequence[NamedSpan]]:
    """The spans of each trace, without duplicates; the last trace may be cut, and is left out."""
    by_trace: dict[str, dict[str, NamedSpan]] = {}
    for row in rows:
        span = Span(row["span_id"], row["parent_id"], row["start"], row["duration"], row["clock"])
        by_trace.setdefault(row["trace_id"], {})[row["span_id"]] = NamedSpan(span, row["name"])
    found = [list(spans.values()) for spans in by_trace.values()]
    return found[:-1] if len(rows) == MAX_SPANS and len(found) > 1 else found
