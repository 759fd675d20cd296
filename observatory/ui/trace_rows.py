"""Queries for the spans and log records of one trace."""

import re
from dataclasses import dataclass
from typing import Any

from observatory.ui.filters import AROUND, within
from observatory.ui.queries import LIST_VALUE_BYTES, MAX_VALUE_BYTES, Queries, Rows, cut, cut_map
from observatory.ui.responses import Problem, invalid

MAX_SPANS, MAX_LOGS = 5000, 1000
CUTS = (MAX_VALUE_BYTES, LIST_VALUE_BYTES, 256)
_ID = re.compile(r"[0-9a-fA-F]{32}")
_TIME = "toUnixTimestamp64Nano"
_OF_IT = f"TraceId = {{id:String}} AND {within('from', 'to')}"
_SPANS = f"""
SELECT {_TIME}(Timestamp) AS start, SpanId AS span_id, ParentSpanId AS parent_id,
    ServiceName AS service, SpanName AS name, SpanKind AS kind, StatusCode AS status,
    {cut("StatusMessage")} AS status_message, Duration AS duration, ScopeName AS scope,
    {cut_map("SpanAttributes")} AS attributes, {cut_map("ResourceAttributes")} AS resource,
    arrayMap(time -> {_TIME}(time), Events.Timestamp) AS event_times,
    Events.Name AS event_names,
    arrayMap(each -> {cut_map("each")}, Events.Attributes) AS event_attributes,
    Links.TraceId AS link_traces, Links.SpanId AS link_spans,
    arrayMap(each -> {cut_map("each")}, Links.Attributes) AS link_attributes
FROM otel.otel_traces WHERE {_OF_IT}
ORDER BY ParentSpanId != '', Timestamp, SpanId LIMIT {{most:UInt32}}
"""
_COUNT = f"SELECT uniqExact(SpanId) AS spans FROM otel.otel_traces WHERE {_OF_IT}"
_LOGS = f"""
SELECT {_TIME}(Timestamp) AS time, SpanId AS span_id, SeverityText AS severity,
    SeverityNumber AS severity_number, {cut("Body")} AS body, EventName AS event,
    {cut_map("LogAttributes")} AS attributes
FROM otel.otel_logs WHERE {_OF_IT}
ORDER BY Timestamp, SpanId LIMIT {{most:UInt32}}
"""
_BY_TIME = "ORDER BY Timestamp LIMIT {most:UInt32}"
_RAW_SPANS = f"SELECT * FROM otel.otel_traces WHERE {_OF_IT} {_BY_TIME}"
_RAW_LOGS = f"SELECT * FROM otel.otel_logs WHERE {_OF_IT} {_BY_TIME}"
_EXTENT = """
SELECT count() AS batches, toInt64(toUnixTimestamp(min(Start))) AS first,
    toInt64(toUnixTimestamp(max(End))) AS last
FROM otel.otel_traces_trace_id_ts WHERE TraceId = {id:String}
"""


def normalized_trace_id(text: str) -> str:
    """A trace id as it is stored (lower case).

    Raises:
        Problem: 422, it is invalid.

    """
    if not _ID.fullmatch(text):
        raise invalid("trace id", "must be 32 hexadecimal digits")
    return text.lower()


@dataclass(frozen=True, slots=True)
class TraceRows:
    """Rows of one trace."""

    queries: Queries
    trace_id: str
    first: int
    """Nanoseconds since 1970: all spans start from `first` (inclusive) to `last` (exclusive)."""
    last: int

    @classmethod
    def of(cls, queries: Queries, text: str) -> "TraceRows":
        """The trace with this id.

        Raises:
            Problem: 422, the id is invalid; 404, there is no such trace.

        """
        trace_id = normalized_trace_id(text)
        extent = queries.row(_EXTENT, {"id": trace_id})
        if not extent["batches"]:
            raise _unknown(trace_id)
        # Extents are stored in whole seconds.
        return cls(queries, trace_id, extent["first"] * 10**9, (extent["last"] + 1) * 10**9)

    def spans(self) -> Rows:
        """Roots first, then by start: up to MAX_SPANS + 1, to detect that there are more."""
        rows = self.queries.cut_rows(_SPANS, self._values(MAX_SPANS + 1), CUTS)
        if not rows:  # the spans have been dropped, their extent not yet
            raise _unknown(self.trace_id)
        return rows

    def count(self) -> int:
        """The number of spans, without duplicates."""
        return int(self.queries.row(_COUNT, self._values(0))["spans"])

    def logs(self) -> Rows:
        """By time: up to MAX_LOGS + 1, to detect that there are more."""
        return self.queries.cut_rows(_LOGS, self._values(MAX_LOGS + 1, AROUND), CUTS)

    def raw(self) -> bytes:
        """The stored rows: a JSON object with `spans` and `logs`."""
        spans = self.queries.lines(_RAW_SPANS, self._values(MAX_SPANS))
        if not spans:
            raise _unknown(self.trace_id)
        logs = self.queries.lines(_RAW_LOGS, self._values(MAX_LOGS, AROUND))
        return f'{{"spans":[{",".join(spans)}],"logs":[{",".join(logs)}]}}'.encode()

    def _values(self, most: int, around: int = 0) -> dict[str, Any]:
        return {
            "id": self.trace_id,
            "from": self.first - around,
            "to": self.last + around,
            "most": most,
        }


def raw_trace(queries: Queries, trace_id: str) -> bytes:
    """The stored rows of a trace as JSON."""
    return TraceRows.of(queries, trace_id).raw()


def _unknown(trace_id: str) -> Problem:
    detail = f"No spans of {trace_id} are stored (yet); spans arrive about 2 s after the request."
    return Problem(404, "not-found", "No such trace", detail)
