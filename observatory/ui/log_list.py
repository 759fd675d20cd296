"""The list of log records, newest first."""

from typing import Any

from observatory.ui.filters import Condition, attribute_tests, within
from observatory.ui.paging import Place, stretches
from observatory.ui.parameters import RANGE, Asked, Range
from observatory.ui.queries import LONG, Queries, cut, cut_map
from observatory.ui.responses import invalid
from observatory.ui.trace_rows import identity

KNOWN = (*RANGE, "q", "severity", "service", "trace_id", "attr", "limit", "before")
USUAL, MOST, MOST_WORDS = 100, 500, 10
CUTS = (LONG, 256)
SEVERITIES = {"debug": 5, "info": 9, "warn": 13, "error": 17}
"""The least numbers: https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber"""
_MARK = "[0-9]{1,6}"
"""How many records of that moment were shown."""
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
"""Records have no ids: of those of one moment the order is that of what they say, which is read
only back to where the page ends."""


def log_records(queries: Queries, asked: Asked) -> dict[str, Any]:
    """A page of it: {logs, more, next}."""
    limit = asked.whole("limit", 1, MOST) or USUAL
    condition, place = _condition(asked), Place.read(asked.text("before"), _MARK)
    where = _range(queries, asked)
    where = Range(where.start, min(where.end, place.end))
    sql = _RECORDS.replace("{where}", condition.sql)
    found: list[dict[str, Any]] = []
    reached = where.end
    for stretch in stretches(where, queries.seconds):
        shown = int(place.mark or 0) if stretch.end == place.end else 0
        most = limit + 1 - len(found)
        values = {"from": stretch.start, "to": stretch.end, "most": most, "shown": shown}
        values |= {"reach": most + shown, **condition.values}
        found += queries.cut_rows(sql, values, CUTS)
        reached = stretch.start
        if len(found) > limit:
            break
    following = None
    if len(found) > limit:
        following = str(_following(place, found[:limit]))
    elif reached > where.start:  # time was up
        following = str(Place(reached))
    logs = [{**row, "time": str(row["time"])} for row in found[:limit]]
    return {"logs": logs, "more": following is not None, "next": following}


def _following(place: Place, page: list[dict[str, Any]]) -> Place:
    """Where a page that begins at `place` ends."""
    time = page[-1]["time"]
    shown = sum(row["time"] == time for row in page)
    return Place(time, str(shown + (int(place.mark or 0) if time == place.time else 0)))


def _range(queries: Queries, asked: Asked) -> Range:
    """Of a trace all records are meant, if no time is given."""
    now = queries.clock()
    if asked.text("trace_id") and not asked.has_range():
        return Range(now - queries.kept, now)
    return asked.range(now, queries.kept)


def _condition(asked: Asked) -> Condition:
    words = (asked.text("q") or "").split()
    if len(words) > MOST_WORDS:
        raise invalid("q", f"has at most {MOST_WORDS} words")
    conditions = []
    for at, word in enumerate(words):
        sql = f"positionCaseInsensitiveUTF8(Body, {{word{at}:String}}) > 0"
        conditions.append(Condition(sql, {f"word{at}": word}))
    if severity := asked.one_of("severity", SEVERITIES):
        least = {"severity": SEVERITIES[severity]}
        conditions.append(Condition("SeverityNumber >= {severity:UInt8}", least))
    if service := asked.text("service"):
        conditions.append(Condition("ServiceName = {service:String}", {"service": service}))
    if trace_id := asked.text("trace_id"):
        conditions.append(Condition("TraceId = {trace:String}", {"trace": identity(trace_id)}))
    for number, test in enumerate(attribute_tests(asked)):
        conditions.append(test.condition(number, "LogAttributes"))
    return Condition.all_of(conditions)
