"""The list of log records, newest first."""

from typing import Any

from observatory.ui.filters import Condition, attribute_tests, within
from observatory.ui.paging import Cursor, time_slices
from observatory.ui.parameters import RANGE, Parameters, Range
from observatory.ui.queries import LIST_VALUE_BYTES, Queries, cut, cut_map
from observatory.ui.responses import invalid
from observatory.ui.trace_rows import normalized_trace_id

KNOWN = (*RANGE, "q", "severity", "service", "trace_id", "attr", "limit", "before")
DEFAULT_LIMIT, MAX_LIMIT, MAX_WORDS = 100, 500, 10
CUTS = (LIST_VALUE_BYTES, 256)
SEVERITIES = {"debug": 5, "info": 9, "warn": 13, "error": 17}
"""Lowest severity numbers: https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber"""
_TIEBREAK = "[0-9]{1,6}"
"""Number of records with the cursor's timestamp on earlier pages."""
_WITHIN = within("from", "to")
_RECORDS = f"""
SELECT toUnixTimestamp64Nano(Timestamp) AS time, TraceId AS trace_id, SpanId AS span_id,
    ServiceName AS service, SeverityText AS severity, SeverityNumber AS severity_number,
    {cut("Body")} AS body, EventName AS event, {cut_map("LogAttributes")} AS attributes,
    {cut_map("ResourceAttributes")} AS resource
FROM otel.otel_logs
WHERE {_WITHIN} AND {{where}} AND Timestamp >= (
    SELECT min(Timestamp) FROM (
        SELECT Timestamp FROM otel.otel_logs WHERE {_WITHIN} AND {{where}}
        ORDER BY Timestamp DESC LIMIT {{reach:UInt32}}
    )
)
ORDER BY Timestamp DESC, cityHash64(TraceId, SpanId, SeverityNumber, EventName, Body, LogAttributes)
LIMIT {{most:UInt32}} OFFSET {{shown:UInt32}}
"""
"""Records have no ids, so records with equal timestamps are ordered by content, which is read only
back to the last timestamp of the page."""


def log_records(queries: Queries, parameters: Parameters) -> dict[str, Any]:
    """One page: {logs, more, next}."""
    limit = parameters.whole("limit", 1, MAX_LIMIT) or DEFAULT_LIMIT
    condition, cursor = _condition(parameters), Cursor.read(parameters.text("before"), _TIEBREAK)
    where = _range(queries, parameters)
    where = Range(where.start, min(where.end, cursor.end))
    sql = _RECORDS.replace("{where}", condition.sql)
    found: list[dict[str, Any]] = []
    reached = where.end
    for slice_ in time_slices(where, queries.seconds):
        shown = int(cursor.tiebreak or 0) if slice_.end == cursor.end else 0
        most = limit + 1 - len(found)
        values = {"from": slice_.start, "to": slice_.end, "most": most, "shown": shown}
        values |= {"reach": most + shown, **condition.values}
        found += queries.cut_rows(sql, values, CUTS)
        reached = slice_.start
        if len(found) > limit:
            break
    next_cursor = None
    if len(found) > limit:
        next_cursor = str(_next_cursor(cursor, found[:limit]))
    elif reached > where.start:  # the time budget is used up
        next_cursor = str(Cursor(reached))
    logs = [{**row, "time": str(row["time"])} for row in found[:limit]]
    return {"logs": logs, "more": next_cursor is not None, "next": next_cursor}


def _next_cursor(cursor: Cursor, page: list[dict[str, Any]]) -> Cursor:
    """The cursor after `page`, which started at `cursor`."""
    time = page[-1]["time"]
    shown = sum(row["time"] == time for row in page)
    return Cursor(time, str(shown + (int(cursor.tiebreak or 0) if time == cursor.time else 0)))


def _range(queries: Queries, parameters: Parameters) -> Range:
    """The requested range; with a trace id and no range, everything stored."""
    now = queries.clock()
    if parameters.text("trace_id") and not parameters.has_range():
        return Range(now - queries.kept, now)
    return parameters.range(now, queries.kept)


def _condition(parameters: Parameters) -> Condition:
    words = (parameters.text("q") or "").split()
    if len(words) > MAX_WORDS:
        raise invalid("q", f"may have at most {MAX_WORDS} words")
    conditions = []
    for at, word in enumerate(words):
        found = f"positionCaseInsensitiveUTF8({{column}}, {{word{at}:String}}) > 0"
        sql = " OR ".join(found.replace("{column}", each) for each in ("Body", "EventName"))
        conditions.append(Condition(f"({sql})", {f"word{at}": word}))
    if severity := parameters.one_of("severity", SEVERITIES):
        least = {"severity": SEVERITIES[severity]}
        conditions.append(Condition("SeverityNumber >= {severity:UInt8}", least))
    if service := parameters.text("service"):
        conditions.append(Condition("ServiceName = {service:String}", {"service": service}))
    if trace_id := parameters.text("trace_id"):
        conditions.append(
            Condition("TraceId = {trace:String}", {"trace": normalized_trace_id(trace_id)})
        )
    for number, test in enumerate(attribute_tests(parameters)):
        conditions.append(test.condition(number, "LogAttributes"))
    return Condition.all_of(conditions)
