"""OTLP message classes that a receiver can parse safely: strings as bytes, records one by one.

The published descriptors with two changes that do not alter the wire format:

- `string` becomes `bytes`. A protobuf parser refuses a whole message for one string that is not
  UTF-8; a receiver should lose that string at most. `native_format.text` makes it valid.
- In messages that only wrap records (ENVELOPES), nested messages become `bytes`. Each record is
  then parsed separately: a damaged or too deeply nested record is rejected alone, and a message
  with millions of empty records never becomes millions of objects at once.
"""

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from opentelemetry.proto.common.v1 import common_pb2
from opentelemetry.proto.logs.v1 import logs_pb2
from opentelemetry.proto.metrics.v1 import metrics_pb2
from opentelemetry.proto.resource.v1 import resource_pb2
from opentelemetry.proto.trace.v1 import trace_pb2

from observatory.intake.attribute_values import RecordRejected

REQUESTS: dict[str, Any] = {
    "traces": trace_service_pb2.ExportTraceServiceRequest,
    "logs": logs_service_pb2.ExportLogsServiceRequest,
    "metrics": metrics_service_pb2.ExportMetricsServiceRequest,
}
"""The published request classes."""
ENVELOPES = frozenset(
    each.DESCRIPTOR.full_name
    for each in (
        *REQUESTS.values(),
        *(trace_pb2.ResourceSpans, trace_pb2.ScopeSpans),
        *(logs_pb2.ResourceLogs, logs_pb2.ScopeLogs),
        *(metrics_pb2.ResourceMetrics, metrics_pb2.ScopeMetrics, metrics_pb2.Metric),
        *(metrics_pb2.Gauge, metrics_pb2.Sum, metrics_pb2.Histogram),
        *(metrics_pb2.ExponentialHistogram, metrics_pb2.Summary),
    )
)
SMALL_RECORD = 64 << 10
"""Bytes. A smaller record needs at most a few megabytes when parsed, so it is not checked."""
MAX_FIELDS = 100_000
"""Fields of a record larger than SMALL_RECORD."""
_POOL = descriptor_pool.DescriptorPool()
_FIELD = descriptor_pb2.FieldDescriptorProto


def _add(file: Any) -> None:
    """Add a file to the pool, after the files that it imports."""
    try:
        _POOL.FindFileByName(file.name)
        return
    except KeyError:
        pass
    for imported in file.dependencies:
        _add(imported)
    copy = descriptor_pb2.FileDescriptorProto()
    file.CopyToProto(copy)
    waiting = list(copy.message_type)
    while waiting:
        message = waiting.pop()
        waiting.extend(message.nested_type)
        wraps = f"{copy.package}.{message.name}" in ENVELOPES
        for field in message.field:
            if field.type == _FIELD.TYPE_STRING or (wraps and field.type == _FIELD.TYPE_MESSAGE):
                field.type = _FIELD.TYPE_BYTES
                field.ClearField("type_name")
    _POOL.Add(copy)


def twin(original: Any) -> Any:
    """The changed class that corresponds to a published class."""
    _add(original.DESCRIPTOR.file)
    return message_factory.GetMessageClass(
        _POOL.FindMessageTypeByName(original.DESCRIPTOR.full_name)
    )


TracesRequest, LogsRequest, MetricsRequest = map(twin, REQUESTS.values())
ResourceSpans, ScopeSpans = twin(trace_pb2.ResourceSpans), twin(trace_pb2.ScopeSpans)
ResourceLogs, ScopeLogs = twin(logs_pb2.ResourceLogs), twin(logs_pb2.ScopeLogs)
ResourceMetrics, ScopeMetrics = twin(metrics_pb2.ResourceMetrics), twin(metrics_pb2.ScopeMetrics)
Metric = twin(metrics_pb2.Metric)
Span, LogRecord = twin(trace_pb2.Span), twin(logs_pb2.LogRecord)
Resource = twin(resource_pb2.Resource)
InstrumentationScope = twin(common_pb2.InstrumentationScope)


def parse(kind: Any, record: bytes) -> Any:
    """Parse a record as a message of class `kind`.

    Raises:
        RecordRejected: it is damaged, nested too deeply, or has too many fields.

    """
    if len(record) > SMALL_RECORD:
        _check_fields(record, kind.DESCRIPTOR)
    try:
        return kind.FromString(record)
    except DecodeError as error:
        raise RecordRejected("it is damaged, or nested too deeply") from error


def _check_fields(record: bytes, kind: Any) -> None:
    """Limit the fields of a message, nested ones included: each may take a hundred bytes parsed."""
    waiting = [(memoryview(record), kind)]
    count = 0
    try:
        while waiting:
            part, kind = waiting.pop()
            at = 0
            while at < len(part):
                inner, field, at = _field(part, at, kind)
                if inner and field is not None and field.message_type is not None:
                    waiting.append((inner, field.message_type))
                elif inner and field is not None and field.is_repeated:
                    count += len(inner) // 8  # packed numbers
                count += 1
                if count > MAX_FIELDS:
                    raise RecordRejected(f"it has more than {MAX_FIELDS:,} values")
    except (IndexError, KeyError) as error:
        raise RecordRejected("it is damaged") from error


def _field(part: memoryview, at: int, kind: Any) -> tuple[memoryview | None, Any, int]:
    """A field's content if length-delimited, its descriptor, and the offset of the next field."""
    tag, at = _varint(part, at)
    if tag & 7 == 2:
        size, at = _varint(part, at)
        return part[at : at + size], kind.fields_by_number.get(tag >> 3), at + size
    if tag & 7 == 0:
        return None, None, _varint(part, at)[1]
    return None, None, at + {1: 8, 5: 4}[tag & 7]


def _varint(part: memoryview, at: int) -> tuple[int, int]:
    """Decode a varint; returns the number and the offset after it."""
    number = shift = 0
    while True:
        byte = part[at]
        at += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, at
        shift += 7
