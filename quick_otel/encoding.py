"""Encodes spans and log records as OTLP, in a fraction of the time that the library needs.

A service emits the same names, keys and values again and again. Their bytes are encoded once and
cached; encoding a span then mostly joins cached bytes. Spans or records with rare content (links,
mappings, values that cannot be encoded) are encoded by the library. The result is the same message
(tests/quick_otel compares them).

Wire format: https://protobuf.dev/programming-guides/encoding/
"""

import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, TypeVar

from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs as by_library_logs
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans as by_library_spans
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import INVALID_SPAN_CONTEXT, SpanKind, TraceState

from .wire import SHORT, KeyValues, field, fixed32, fixed64, number, text, value

KIND: Final = {kind: kind.value + 1 for kind in SpanKind}
"""OTLP's numbers of the span kinds."""
KNOWS_REMOTE, IS_REMOTE = 0x100, 0x200
"""Span flags: it is known whether the parent is remote; the parent is remote."""
UNENCODABLE: Final = (
    AttributeError, KeyError, OverflowError, TypeError, UnicodeError, struct.error
)  # fmt: skip
"""Raised for a span or record that the library must encode."""
SPAN, EVENT, LOG = KeyValues(9), KeyValues(3), KeyValues(6)
"""Encoders of the attributes of spans, events and log records; each has its own field number."""
Record = TypeVar("Record", ReadableSpan, ReadableLogRecord)


def encode_spans(spans: Sequence[ReadableSpan]) -> ExportTraceServiceRequest:
    """As the library's encoder of the same name."""
    return ExportTraceServiceRequest.FromString(_request(spans, _span, _span_by_library))


def encode_logs(batch: Sequence[ReadableLogRecord]) -> ExportLogsServiceRequest:
    """As the library's encoder of the same name."""
    return ExportLogsServiceRequest.FromString(_request(batch, _log, _log_by_library))


def _request(
    records: Iterable[Record],
    encode: Callable[[Record], bytes],
    by_library: Callable[[Record], bytes],
) -> bytes:
    """An export request: records under their scope, scopes under their resource."""
    groups = Groups()
    for each in records:
        try:
            encoded = encode(each)
        except UNENCODABLE:
            encoded = by_library(each)
        groups.of(each.resource, each.instrumentation_scope).append(field(2, encoded))
    return groups.encoded()


class Groups:
    """Encoded records by resource and scope, in the order of their first record."""

    def __init__(self) -> None:
        self._resources: dict[Resource, dict[InstrumentationScope | None, list[bytes]]] = {}
        self._found: dict[tuple[int, int], list[bytes]] = {}

    def of(self, resource: Resource, scope: InstrumentationScope | None) -> list[bytes]:
        """The list for a record. Looks up by identity first: hashing a resource is slower than
        encoding a span."""
        by_identity = id(resource), id(scope)
        found = self._found.get(by_identity)
        if found is None:
            scopes = self._resources.setdefault(resource, {})
            found = self._found[by_identity] = scopes.setdefault(scope or None, [])
        return found

    def encoded(self) -> bytes:
        """ResourceSpans or ResourceLogs: the fields of both have the same numbers."""
        parts = []
        for resource, scopes in self._resources.items():
            inner = [field(1, _heads(resource, None).resource.SerializeToString())]
            for scope, records in scopes.items():
                head = _heads(resource, scope).scope_spans[0]
                about = field(1, head.scope.SerializeToString())
                inner.append(field(2, about + b"".join(records) + text(3, head.schema_url)))
            inner.append(text(3, resource.schema_url))
            parts.append(field(1, b"".join(inner)))
        return b"".join(parts)


def _heads(resource: Resource, scope: InstrumentationScope | None) -> ResourceSpans:
    """A resource and a scope, as the library encodes them."""
    empty = ReadableSpan("", INVALID_SPAN_CONTEXT, resource=resource, instrumentation_scope=scope)
    return by_library_spans([empty]).resource_spans[0]


def _span_by_library(span: ReadableSpan) -> bytes:
    request = by_library_spans([span])
    return request.resource_spans[0].scope_spans[0].spans[0].SerializeToString()


def _log_by_library(record: ReadableLogRecord) -> bytes:
    request = by_library_logs([record])
    return request.resource_logs[0].scope_logs[0].log_records[0].SerializeToString()


def _span(span: ReadableSpan) -> bytes:
    context, parent, status = span.get_span_context(), span.parent, span.status
    if context is None or span.links or span.start_time is None or span.end_time is None:
        raise TypeError("by the library")
    parts = [
        b"\x0a\x10", context.trace_id.to_bytes(16, "big"),
        b"\x12\x08", context.span_id.to_bytes(8, "big"),
    ]  # fmt: skip
    if context.trace_state:
        parts.append(_state(context.trace_state))
    if parent:
        parts += (b"\x22\x08", parent.span_id.to_bytes(8, "big"))
    head = _head if len(span.name) <= SHORT else _head.__wrapped__
    parts += (head(span.name, span.kind), fixed64(7, span.start_time), fixed64(8, span.end_time))
    SPAN.encode(_plain(span.attributes), parts)
    if dropped := span.dropped_attributes:
        parts.append(number(10, dropped))
    for event in span.events:
        parts.append(field(11, _event(event)))
    if dropped := span.dropped_events:
        parts.append(number(12, dropped))
    if dropped := span.dropped_links:
        parts.append(number(14, dropped))
    encoded = _status.__wrapped__ if status.description else _status  # messages seldom repeat
    parts.append(encoded(status.description, status.status_code.value))
    flags = KNOWS_REMOTE | (IS_REMOTE if parent and parent.is_remote else 0)
    parts.append(fixed32(16, flags))
    return b"".join(parts)


def _event(event: Event) -> bytes:
    parts = [fixed64(1, event.timestamp), text(2, event.name)]
    EVENT.encode(_plain(event.attributes), parts)
    parts.append(number(4, event.dropped_attributes))
    return b"".join(parts)


def _log(readable: ReadableLogRecord) -> bytes:
    record = readable.log_record
    parts = [fixed64(1, record.timestamp or 0)]
    if record.severity_number is not None:
        parts.append(number(2, record.severity_number.value))
    parts += (text(3, record.severity_text), field(5, value(record.body)))
    LOG.encode(_plain(record.attributes), parts)
    parts += (number(7, readable.dropped_attributes), fixed32(8, int(record.trace_flags or 0)))
    if record.trace_id:
        parts += (b"\x4a\x10", record.trace_id.to_bytes(16, "big"))
    if record.span_id:
        parts += (b"\x52\x08", record.span_id.to_bytes(8, "big"))
    parts += (fixed64(11, record.observed_timestamp or 0), text(12, record.event_name))
    return b"".join(parts)


def _plain(attributes: Mapping[str, Any] | None) -> dict[str, Any]:
    """A dictionary, which is faster to iterate than the SDK's attributes."""
    return attributes.copy() if attributes else {}  # type: ignore[attr-defined]


@lru_cache(1024)
def _head(name: str, kind: SpanKind) -> bytes:
    return text(5, name) + number(6, KIND[kind])


@lru_cache(1024)
def _status(description: str | None, code: int) -> bytes:
    return field(15, text(2, description) + number(3, code))


def _state(state: TraceState) -> bytes:
    return text(3, ",".join(f"{key}={value}" for key, value in state.items()))
