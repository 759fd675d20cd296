"""OTLP's messages as a receiver can read them safely: strings as bytes, records one by one.

The published descriptors with two changes that leave the wire format as it is:

- `string` becomes `bytes`. A protobuf parser refuses a whole message for one string that is not
  UTF-8; a receiver should lose that string at most. `native_format.text` makes it valid.
- In what only wraps records (ENVELOPES) a message becomes `bytes`. Each record is then parsed by
  itself: one that is nested too deeply or damaged is refused alone, and of a message of millions
  of empty records only one at a time becomes an object.
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

from observatory.intake.attribute_values import Refused

REQUESTS: dict[str, Any] = {
    "traces": trace_service_pb2.ExportTraceServiceRequest,
    "logs": logs_service_pb2.ExportLogsServiceRequest,
    "metrics": metrics_service_pb2.ExportMetricsServiceRequest,
}
"""The published classes."""
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
"""Bytes. Parsed, a smaller record takes some megabytes at most, whatever it holds."""
MOST_FIELDS = 100_000
"""Of a larger one."""
_POOL = descriptor_pool.DescriptorPool()
_FIELD = descriptor_pb2.FieldDescriptorProto


def _add(file: Any) -> None:
    """Add a file and what it imports, in the order that needs nothing unseen."""
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
    """The class with these changes, of a published class."""
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


def parsed(kind: Any, record: bytes) -> Any:
    """A message of class `kind`.

    Raises:
        Refused: it is damaged, nested too deeply, or has too many parts.

    """
    if len(record) > SMALL_RECORD:
        _check_fields(record, kind.DESCRIPTOR)
    try:
        return kind.FromString(record)
    except DecodeError as error:
        raise Refused("it is damaged, or nested too deeply") from error


def _check_fields(record: bytes, kind: Any) -> None:
    """Count the fields of a message and of those in it: parsed, each may take a hundred bytes."""
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
                if count > MOST_FIELDS:
                    raise Refused(f"it has more than {MOST_FIELDS:,} values")
    except (IndexError, KeyError) as error:
        raise Refused("it is damaged") from error


def _field(part: memoryview, at: int, kind: Any) -> tuple[memoryview | None, Any, int]:
    """A field's content, if it has a length; what it is; where the next begins."""
    tag, at = _varint(part, at)
    if tag & 7 == 2:
        size, at = _varint(part, at)
        return part[at : at + size], kind.fields_by_number.get(tag >> 3), at + size
    if tag & 7 == 0:
        return None, None, _varint(part, at)[1]
    return None, None, at + {1: 8, 5: 4}[tag & 7]


def _varint(part: memoryview, at: int) -> tuple[int, int]:
    """A number in groups of seven bits, and where it ends."""
    number = shift = 0
    while True:
        byte = part[at]
        at += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, at
        shift += 7
