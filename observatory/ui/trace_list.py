"""The list of traces, newest first.

A trace is shown by its root, the earliest if there are several; by its earliest span where the root
is missing. Candidates for that are found first, cheaply; then all spans of those few traces are
read, which shows whether a candidate is the span that its trace is shown by.
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
from observatory.ui.paging import Place, stretches
from observatory.ui.parameters import RANGE, Asked, Range
from observatory.ui.queries import LONG, Queries, Rows, array, cut

CUTS = (LONG, 256)
_ROOT = "ParentSpanId = ''"
_ROOTLESS = f"""
    SELECT TraceId FROM otel.otel_traces_trace_id_ts
    WHERE {seconds_within("Start")} AND cityHash64(TraceId) NOT IN (
            SELECT cityHash64(TraceId) FROM otel.otel_traces
            WHERE {_ROOT} AND {within("spans_from", "spans_to")}
        )"""
"""Hashes take half the time of ids; two that are equal by chance would hide a trace without root.
A root may be further away than is looked: that shows when all spans of the trace are read."""
_CANDIDATES = """
SELECT TraceId AS trace_id, toUnixTimestamp64Nano(min(Timestamp)) AS time FROM otel.otel_traces
WHERE {kind} AND {where}
GROUP BY trace_id
HAVING (time, trace_id) < ({{time:Int64}}, {{trace_id:String}})
ORDER BY time DESC, trace_id DESC LIMIT {{most:UInt32}}
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
            toUInt16OrNull(SpanAttributes['http.response.status_code']), {DEGRADED}, Duration
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


def place_of(trace: Mapping[str, Any]) -> Place:
    """That of a trace in the list."""
    return Place(int(trace["time"]), trace["trace_id"])


@dataclass(frozen=True, slots=True)
class TraceSearch:
    """Traces that a filter lets through."""

    queries: Queries
    chosen: Filter

    def newest(self, stretch: Range, place: Place, count: int) -> list[dict[str, Any]]:
        """At most `count` that begin in the stretch and come after `place`."""
        found: list[dict[str, Any]] = []
        while len(found) < count:
            candidates = self._candidates(stretch, place, count)
            found += self._shown(candidates)
            if len(candidates) < count:
                break
            place = place_of(candidates[-1])
        return found[:count]

    def _candidates(self, stretch: Range, place: Place, most: int) -> Rows:
        found = self._matching(_ROOT, stretch, place, most)
        # Where there are enough, what is older than all of them is of no interest.
        newer = Range(found[-1]["time"] if len(found) == most else stretch.start, stretch.end)
        if self.queries.rows(f"{_ROOTLESS} LIMIT 1", around(newer)):
            found += self._matching(f"TraceId IN ({_ROOTLESS})", newer, place, most)
        return sorted(found, key=lambda row: (row["time"], row["trace_id"]), reverse=True)[:most]

    def _matching(self, kind: str, stretch: Range, place: Place, most: int) -> Rows:
        condition = self.chosen.on_trace()
        sql = _CANDIDATES.format(kind=kind, where=f"{within('from', 'to')} AND {condition.sql}")
        after = {"time": place.time, "trace_id": place.mark, "most": most}
        return self.queries.rows(sql, {**around(stretch), **after, **condition.values})

    def _shown(self, candidates: Rows) -> Iterator[dict[str, Any]]:
        """Those candidates that their trace is shown by, in full."""
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
    time, service, name, route, method, failed, http_status, degraded, duration = row["root"]
    return {
        "trace_id": row["trace_id"],
        "time": str(time),
        "service": service,
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


KNOWN = (*RANGE, *FILTERS, "limit", "before")
USUAL, MOST = 50, 500


def traces(queries: Queries, asked: Asked) -> dict[str, Any]:
    """A page of it: {traces, more, next}."""
    limit = asked.whole("limit", 1, MOST) or USUAL
    search = TraceSearch(queries, Filter.of(asked))
    place = Place.read(asked.text("before"), ".*")
    where = asked.range(queries.clock(), queries.kept)
    where = Range(where.start, min(where.end, place.end))
    found: list[dict[str, Any]] = []
    reached = where.end
    for stretch in stretches(where, queries.seconds):
        found += search.newest(stretch, place, limit + 1 - len(found))
        reached = stretch.start
        if len(found) > limit:
            break
    following = None
    if len(found) > limit:
        following = str(place_of(found[limit - 1]))
    elif reached > where.start:  # time was up
        following = str(Place(reached))
    return {"traces": found[:limit], "more": following is not None, "next": following}
