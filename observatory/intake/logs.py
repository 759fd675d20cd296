"""Log records as rows of otel_logs."""

from functools import partial
from typing import Any

from observatory.intake.attribute_values import as_text, pairs, span_id, trace_id
from observatory.intake.otlp_messages import LogRecord, ResourceLogs, ScopeLogs
from observatory.intake.resource_and_scope import UNREADABLE, Origin, Scope, envelope
from observatory.intake.row_blocks import Decoded, Row
from observatory.intake.time_window import Window
from observatory.store.native_format import Layout, attributes, number, string, text, timestamp

LAYOUT = Layout(
    "otel.otel_logs",
    (
        timestamp("Timestamp"),
        string("TraceId"),
        string("SpanId"),
        number("TraceFlags", "UInt8"),
        string("SeverityText"),
        number("SeverityNumber", "UInt8"),
        string("ServiceName"),
        string("Body"),
        string("ResourceSchemaUrl"),
        attributes("ResourceAttributes"),
        string("ScopeSchemaUrl"),
        string("ScopeName"),
        string("ScopeVersion"),
        attributes("ScopeAttributes"),
        attributes("LogAttributes"),
        string("EventName"),
    ),
)


def decode(request: Any, window: Window, decoded: Decoded) -> None:
    """Add the records of an ExportLogsServiceRequest to `decoded`."""
    decoded.count(len(request.resource_logs))
    for each in request.resource_logs:
        group = envelope(ResourceLogs, each)
        origin, resource_schema = Origin.read(group.resource), text(group.schema_url)
        decoded.count(len(group.scope_logs))
        for one in group.scope_logs:
            scoped = envelope(ScopeLogs, one)
            scope = Scope.read(scoped.scope)
            if origin is None or scope is None:
                decoded.reject(len(scoped.log_records), UNREADABLE)
                continue
            common = (origin, resource_schema, scope, text(scoped.schema_url))
            row = partial(_row, window, common)
            shared = origin.size + scope.size + len(resource_schema) + len(common[3])
            decoded.add(LAYOUT, LogRecord, scoped.log_records, row, shared)


def _row(window: Window, common: tuple[Origin, bytes, Scope, bytes], record: Any) -> Row:
    origin, resource_schema, scope, scope_schema = common
    body = record.body
    return (
        window.check(record.time_unix_nano or record.observed_time_unix_nano, "time"),
        trace_id(record.trace_id),
        span_id(record.span_id),
        record.flags & 0xFF,
        text(record.severity_text),
        record.severity_number & 0xFF,
        origin.service,
        text(as_text(body, body.WhichOneof("value"))),
        resource_schema,
        origin.attributes,
        scope_schema,
        scope.name,
        scope.version,
        scope.attributes,
        pairs(record.attributes),
        text(record.event_name),
    )
