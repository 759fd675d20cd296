"""OTLP messages, and the parts of them that tests are about."""

from collections.abc import Callable, Iterable, Mapping
from time import time_ns
from typing import Any
from uuid import uuid4

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import (
    AnyValue,
    ArrayValue,
    InstrumentationScope,
    KeyValue,
    KeyValueList,
)
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    Gauge,
    Metric,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
)
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

HOUR = 3600 * 10**9
REQUESTS: dict[str, Any] = {
    "traces": ExportTraceServiceRequest,
    "logs": ExportLogsServiceRequest,
    "metrics": ExportMetricsServiceRequest,
}
RESPONSES: dict[str, Any] = {
    "traces": ExportTraceServiceResponse,
    "logs": ExportLogsServiceResponse,
    "metrics": ExportMetricsServiceResponse,
}
TABLES = {
    "traces": "otel.otel_traces",
    "logs": "otel.otel_logs",
    "metrics": "otel.otel_metrics_gauge",
}
SIMPLE = {
    bool: "bool_value",
    int: "int_value",
    float: "double_value",
    bytes: "bytes_value",
    str: "string_value",
}
NAMES = {"traces": "SpanName", "logs": "Body", "metrics": "MetricName"}
"""The field that holds the name of a `record`."""
REJECTED = {
    "traces": "rejected_spans",
    "logs": "rejected_log_records",
    "metrics": "rejected_data_points",
}


def fresh() -> str:
    """A name that no other test has."""
    return uuid4().hex


def value(of: Any) -> AnyValue:
    """An attribute's value."""
    for kind, field in SIMPLE.items():
        if isinstance(of, kind):
            simple: dict[str, Any] = {field: of}
            return AnyValue(**simple)
    if of is None:
        return AnyValue()
    if isinstance(of, Mapping):
        return AnyValue(kvlist_value=KeyValueList(values=attributes(of)))
    return AnyValue(array_value=ArrayValue(values=[value(each) for each in of]))


def attributes(of: Mapping[str, Any]) -> list[KeyValue]:
    """Attributes in this order."""
    return [KeyValue(key=key, value=value(each)) for key, each in of.items()]


def span(name: str, **fields: Any) -> Span:
    """A span that can be stored, of a trace of its own."""
    now = time_ns()
    given: dict[str, Any] = {
        "trace_id": uuid4().bytes,
        "span_id": uuid4().bytes[:8],
        "start_time_unix_nano": now,
        "end_time_unix_nano": now + 1,
    }
    return Span(name=name, **(given | fields))


def log(output: str, **fields: Any) -> LogRecord:
    """A log record that can be stored."""
    given: dict[str, Any] = {"time_unix_nano": time_ns(), "body": value(output)}
    return LogRecord(**(given | fields))


def gauge(name: str, **fields: Any) -> Metric:
    """A metric with one point that can be stored."""
    point = NumberDataPoint(**{"time_unix_nano": time_ns(), "as_int": 1} | fields)
    return Metric(name=name, gauge=Gauge(data_points=[point]))


def record(signal: str, name: str, **fields: Any) -> Any:
    """The smallest thing that a message of a signal carries."""
    makers: dict[str, Callable[..., Any]] = {"traces": span, "logs": log, "metrics": gauge}
    return makers[signal](name, **fields)


def request(
    signal: str,
    records: Iterable[Any],
    resource: Mapping[str, Any] | None = None,
    scope: InstrumentationScope | None = None,
) -> Any:
    """A message with all the records in one group."""
    of = Resource(attributes=attributes(resource or {}))
    match signal:
        case "traces":
            spans = ScopeSpans(scope=scope, spans=records)
            return ExportTraceServiceRequest(
                resource_spans=[ResourceSpans(resource=of, scope_spans=[spans])]
            )
        case "logs":
            logs = ScopeLogs(scope=scope, log_records=records)
            return ExportLogsServiceRequest(
                resource_logs=[ResourceLogs(resource=of, scope_logs=[logs])]
            )
        case _:
            metrics = ScopeMetrics(scope=scope, metrics=records)
            return ExportMetricsServiceRequest(
                resource_metrics=[ResourceMetrics(resource=of, scope_metrics=[metrics])]
            )


def part(field: int, content: bytes) -> bytes:
    """A field of a protobuf message with a length."""
    size, length = len(content), bytearray()
    while size > 127:
        length.append(size & 127 | 128)
        size >>= 7
    return bytes([field << 3 | 2, *length, size]) + content
