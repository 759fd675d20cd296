"""The list of traces, newest first.

A trace is represented by its root (the earliest of several), or by its earliest span if the root is
missing. A cheap query finds candidates first; then all spans of those few traces are read, to check
that each candidate is the span that represents its trace.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from observatory.ui.filters import (
    DEGRADED,
    FAILED,
    FILTERS,
    ROUTE,
    Filter,
    around,
    seconds_within,
    within,
)
from observatory.ui.paging import Cursor, time_slices
from observatory.ui.parameters import RANGE, Parameters, Range
from observatory.ui.queries import LIST_VALUE_BYTES, Queries, Rows, array, cut

CUTS = (LIST_VALUE_BYTES, 256)
_ROOT = "ParentSpanId = ''"
_ROOTLESS = f"""
    SELECT TraceId FROM otel.otel_traces_trace_id_ts
    WHERE {seconds_within("Start")} AND cityHash64(TraceId) NOT IN (
            SELECT cityHash64(TraceId) FROM otel.otel_traces
            WHERE {_ROOT} AND {within("spans_from", "spans_to")}
        )"""
"""Hashes are twice as fast as ids; a collision would hide a trace without a root. A root outside of
the searched range is found when all spans of the trace are read."""
_CANDIDATES = """
SELECT TraceId AS trace_id, toUnixTimestamp64Nano(min(Timestamp)) AS time FROM otel.otel_traces
WHERE {kind} AND {where}
GROUP BY trace_id
HAVING (time, trace_id) < ({{time:Int64}}, {{trace_id:String}})
ORDER BY time DESC, trace_id DESC LIMIT {{most:UInt32}}
"""
_SLOWEST = f"""
SELECT TraceId AS trace_id, toUnixTimestamp64Nano(min(Timestamp)) AS time, max(Duration) AS took
FROM otel.otel_traces
WHERE {_ROOT} AND {{where}}
GROUP BY trace_id
HAVING (took, trace_id) < ({{{{took:UInt64}}}}, {{{{trace_id:String}}}})
ORDER BY took DESC, trace_id DESC LIMIT {{{{most:UInt32}}}}
"""
_SHOWN = f"""
SELECT TraceId AS trace_id, uniqExact(SpanId) AS spans,
    uniqExactIf(SpanId, StatusCode = 'Error') AS errors,
    arraySort(groupUniqArray(50)(ServiceName)) AS services,
    countIf({_ROOT}) = 0 AS rootless,
    argMin(
        (
            toUnixTimestamp64Nano(Timestamp), ServiceName, SpanName, {cut(ROUTE)},
            {cut("SpanAttributes['http.request.method']")}, {FAILED},
            toUInt16OrNull(SpanAttributes['http.response.status_code']), {DEGRADED}, Duration,
            {cut("ResourceAttributes['service.instance.id']")}
        ),
        (NOT {_ROOT}, Timestamp, SpanId)
    ) AS root
FROM otel.otel_traces
WHERE TraceId IN {{ids:Array(String)}} AND {within("from", "to")}
GROUP BY trace_id
"""
_EXTENT = """
SELECT toInt64(toUnixTimestamp(min(Start))) AS first, toInt64(toUnixTimestamp(max(End))) AS last
FROM otel.otel_traces_trace_id_ts WHERE TraceId IN {ids:Array(String)}
"""


def cursor_of(trace: Mapping[str, Any]) -> Cursor:
    """The cursor after a trace of the list."""
    return Cursor(int(trace["time"]), trace["trace_id"])


@dataclass(frozen=True, slots=True)
class TraceSearch:
    """Traces that match a filter."""

    queries: Queries
    chosen: Filter

    def newest(self, slice_: Range, cursor: Cursor, count: int) -> list[dict[str, Any]]:
        """At most `count` that start in the slice and come after `cursor`."""
        found: list[dict[str, Any]] = []
        while len(found) < count:
            candidates = self._candidates(slice_, cursor, count)
            found += self._shown(candidates)
            if len(candidates) < count:
                break
            cursor = cursor_of(candidates[-1])
        return found[:count]

    def slowest(self, where: Range, cursor: Cursor, count: int) -> list[dict[str, Any]]:
        """At most `count` that have a root in the range, slowest first; `cursor`: of durations."""
        condition = self.chosen.on_trace()
        sql = _SLOWEST.format(where=f"{within('from', 'to')} AND {condition.sql}")
        after = {"took": cursor.time, "trace_id": cursor.tiebreak, "most": count}
        found = self.queries.rows(sql, {**around(where), **after, **condition.values})
        return list(self._shown(found))

    def _candidates(self, slice_: Range, cursor: Cursor, most: int) -> Rows:
        found = self._matching(_ROOT, slice_, cursor, most)
        # If there are enough, older ones need not be searched.
        newer = Range(found[-1]["time"] if len(found) == most else slice_.start, slice_.end)
        if self.queries.rows(f"{_ROOTLESS} LIMIT 1", around(newer)):
            found += self._matching(f"TraceId IN ({_ROOTLESS})", newer, cursor, most)
        return sorted(found, key=lambda row: (row["time"], row["trace_id"]), reverse=True)[:most]

    def _matching(self, kind: str, slice_: Range, cursor: Cursor, most: int) -> Rows:
        condition = self.chosen.on_trace()
        sql = _CANDIDATES.format(kind=kind, where=f"{within('from', 'to')} AND {condition.sql}")
        after = {"time": cursor.time, "trace_id": cursor.tiebreak, "most": most}
        return self.queries.rows(sql, {**around(slice_), **after, **condition.values})

    def _shown(self, candidates: Rows) -> Iterator[dict[str, Any]]:
        """The candidates that represent their trace, with all columns."""
        if not candidates:
            return
        ids = array([each["trace_id"] for each in candidates])
        extent = self.queries.row(_EXTENT, {"ids": ids})
        values = {"ids": ids, "from": extent["first"] * 10**9, "to": (extent["last"] + 1) * 10**9}
        by_id = {row["trace_id"]: row for row in self.queries.cut_rows(_SHOWN, values, CUTS)}
        for each in candidates:
            row = by_id.get(each["trace_id"])
            if row and row["root"][0] == each["time"]:
                yield _trace(row)


def _trace(row: Mapping[str, Any]) -> dict[str, Any]:
    root = row["root"]
    time, service, name, route, method, failed, http_status, degraded, duration, instance = root
    return {
        "trace_id": row["trace_id"],
        "time": str(time),
        "service": service,
        "instance": instance,
        "name": name,
        "route": route,
        "method": method or None,
        "status": "error" if failed else "ok",
        "http_status": http_status,
        "degraded": bool(degraded),
        "duration": duration,
        "spans": row["spans"],
        "errors": row["errors"],
        "services": row["services"],
        "rootless": bool(row["rootless"]),
    }


KNOWN = (*RANGE, *FILTERS, "limit", "before", "sort")
SORTS = ("time", "duration")
DEFAULT_LIMIT, MAX_LIMIT = 50, 500


def traces(queries: Queries, parameters: Parameters) -> dict[str, Any]:
    """One page: {traces, more, next}; `sort=duration`: slowest first, of traces with a root."""
    limit = parameters.whole("limit", 1, MAX_LIMIT) or DEFAULT_LIMIT
    search = TraceSearch(queries, Filter.of(parameters))
    cursor = Cursor.read(parameters.text("before"), ".*")
    where = parameters.range(queries.clock(), queries.kept)
    if parameters.one_of("sort", SORTS) == "duration":
        return _slowest(search, where, cursor, limit)
    where = Range(where.start, min(where.end, cursor.end))
    found: list[dict[str, Any]] = []
    reached = where.end
    for slice_ in time_slices(where, queries.seconds):
        found += search.newest(slice_, cursor, limit + 1 - len(found))
        reached = slice_.start
        if len(found) > limit:
            break
    next_cursor = None
    if len(found) > limit:
        next_cursor = str(cursor_of(found[limit - 1]))
    elif reached > where.start:  # the time budget is used up
        next_cursor = str(Cursor(reached))
    return {"traces": found[:limit], "more": next_cursor is not None, "next": next_cursor}


def _slowest(search: TraceSearch, where: Range, cursor: Cursor, limit: int) -> dict[str, Any]:
    found = search.slowest(where, cursor, limit + 1)
    more = len(found) > limit
    last = found[:limit][-1] if found else {}
    return {
        "traces": found[:limit],
        "more": more,
        "next": str(Cursor(last["duration"], last["trace_id"])) if more else None,
    }
