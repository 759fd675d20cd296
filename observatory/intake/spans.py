"""Spans as rows of otel_traces."""

from functools import partial
from typing import Any

from observatory.intake.attribute_values import RecordRejected, pairs, span_id, trace_id
from observatory.intake.otlp_messages import ResourceSpans, ScopeSpans, Span
from observatory.intake.resource_and_scope import UNREADABLE, Origin, Scope, envelope
from observatory.intake.row_blocks import Decoded, Row
from observatory.intake.time_window import Window
from observatory.store.native_format import (
    EMPTY,
    MAX_NAME_BYTES,
    MAX_TIMESTAMP,
    Layout,
    array_of,
    attributes,
    number,
    repeated,
    string,
    text,
    timestamp,
)

LAYOUT = Layout(
    "otel.otel_traces",
    (
        timestamp("Timestamp"),
        string("TraceId"),
        string("SpanId"),
        string("ParentSpanId"),
        string("TraceState"),
        string("SpanName"),
        string("SpanKind"),
        string("ServiceName"),
        attributes("ResourceAttributes"),
        string("ScopeName"),
        string("ScopeVersion"),
        attributes("SpanAttributes"),
        number("Duration", "UInt64"),
        string("StatusCode"),
        string("StatusMessage"),
        array_of(timestamp("Events.Timestamp")),
        array_of(string("Events.Name")),
        array_of(attributes("Events.Attributes")),
        array_of(string("Links.TraceId")),
        array_of(string("Links.SpanId")),
        array_of(string("Links.TraceState")),
        array_of(attributes("Links.Attributes")),
    ),
)
KINDS = tuple(
    text(kind)
    for kind in (b"Unspecified", b"Internal", b"Server", b"Client", b"Producer", b"Consumer")
)
CODES = tuple(text(code) for code in (b"Unset", b"Ok", b"Error"))
NO_EVENTS: tuple[tuple[Any, ...], ...] = ((), (), ())
NO_LINKS: tuple[tuple[Any, ...], ...] = ((), (), (), ())


def decode(request: Any, window: Window, decoded: Decoded) -> None:
    """Add the spans of an ExportTraceServiceRequest to `decoded`."""
    decoded.count(len(request.resource_spans))
    for each in request.resource_spans:
        group = envelope(ResourceSpans, each)
        origin = Origin.read(group.resource)
        decoded.count(len(group.scope_spans))
        for one in group.scope_spans:
            scoped = envelope(ScopeSpans, one)
            scope = Scope.read(scoped.scope)
            if origin is None or scope is None:
                decoded.reject(len(scoped.spans), UNREADABLE)
                continue
            row = partial(_row, window, origin, scope)
            decoded.add(LAYOUT, Span, scoped.spans, row, origin.size + scope.size)


def _row(window: Window, origin: Origin, scope: Scope, span: Any) -> Row:
    start = window.check(span.start_time_unix_nano, "start time")
    trace, own = trace_id(span.trace_id), span_id(span.span_id)
    if EMPTY in (trace, own):
        raise RecordRejected("a span needs a trace id of 16 bytes and a span id of 8")
    status = span.status
    return (
        start,
        trace,
        own,
        span_id(span.parent_span_id),
        text(span.trace_state),
        repeated(span.name[:MAX_NAME_BYTES]),
        KINDS[span.kind] if 0 <= span.kind < len(KINDS) else KINDS[0],
        origin.service,
        origin.attributes,
        scope.name,
        scope.version,
        pairs(span.attributes),
        max(0, span.end_time_unix_nano - start),
        CODES[status.code] if 0 <= status.code < len(CODES) else CODES[0],
        text(status.message),
        *(_events(span.events) if span.events else NO_EVENTS),
        *(_links(span.links) if span.links else NO_LINKS),
    )


def _events(events: Any) -> tuple[tuple[Any, ...], ...]:
    rows = [
        (
            each.time_unix_nano & MAX_TIMESTAMP,
            repeated(each.name[:MAX_NAME_BYTES]),
            pairs(each.attributes),
        )
        for each in events
    ]
    return tuple(zip(*rows, strict=True))


def _links(links: Any) -> tuple[tuple[Any, ...], ...]:
    rows = [
        (
            trace_id(each.trace_id),
            span_id(each.span_id),
            text(each.trace_state),
            pairs(each.attributes),
        )
        for each in links
    ]
    return tuple(zip(*rows, strict=True))
