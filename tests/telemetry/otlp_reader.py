"""Reads what came in over OTLP: from protobuf messages to the plain values of `received`."""

from collections.abc import Iterable, Iterator
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1 import logs_pb2
from opentelemetry.proto.metrics.v1 import metrics_pb2
from opentelemetry.proto.trace.v1 import trace_pb2

from tests.telemetry.received import Event, Exemplar, Link, LogRecord, Point, Span, Values

KINDS = ("sum", "gauge", "histogram")


def spans(request: ExportTraceServiceRequest) -> Iterator[Span]:
    """The spans of a request, in its order."""
    for each in request.resource_spans:
        resource = _values(each.resource.attributes)
        for scoped in each.scope_spans:
            for span in scoped.spans:
                yield _span(span, scoped.scope.name, resource)


def logs(request: ExportLogsServiceRequest) -> Iterator[LogRecord]:
    """The log records of a request, in its order."""
    for each in request.resource_logs:
        resource = _values(each.resource.attributes)
        for scoped in each.scope_logs:
            for record in scoped.log_records:
                yield _log_record(record, scoped.scope.name, resource)


def points(request: ExportMetricsServiceRequest) -> Iterator[Point]:
    """The points of the metrics of a request, in its order."""
    for each in request.resource_metrics:
        resource = _values(each.resource.attributes)
        for scoped in each.scope_metrics:
            for metric in scoped.metrics:
                kind = str(metric.WhichOneof("data"))
                assert kind in KINDS, f"{metric.name}: nobody wrote down how to read {kind}"
                for point in getattr(metric, kind).data_points:
                    yield _point(metric, kind, point, scoped.scope.name, resource)


def _span(span: trace_pb2.Span, scope: str, resource: Values) -> Span:
    return Span(
        span.name,
        trace_pb2.Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        span.start_time_unix_nano,
        span.end_time_unix_nano,
        trace_pb2.Status.StatusCode.Name(span.status.code).removeprefix("STATUS_CODE_"),
        span.status.message,
        _values(span.attributes),
        tuple(Event(each.name, _values(each.attributes)) for each in span.events),
        tuple(
            Link(each.trace_id.hex(), each.span_id.hex(), _values(each.attributes))
            for each in span.links
        ),
        scope,
        resource,
    )


def _log_record(record: logs_pb2.LogRecord, scope: str, resource: Values) -> LogRecord:
    severity = logs_pb2.SeverityNumber.Name(record.severity_number)
    return LogRecord(
        _value(record.body),
        severity.removeprefix("SEVERITY_NUMBER_"),
        record.event_name,
        _values(record.attributes),
        record.trace_id.hex(),
        record.span_id.hex(),
        scope,
        resource,
    )


def _point(
    metric: metrics_pb2.Metric, kind: str, point: Any, scope: str, resource: Values
) -> Point:
    data, histogram = getattr(metric, kind), kind == "histogram"
    return Point(
        metric.name,
        metric.unit,
        kind,
        "" if kind == "gauge" else _temporality(data.aggregation_temporality),
        kind == "sum" and data.is_monotonic,
        _values(point.attributes),
        point.sum if histogram else _number(point),
        point.count if histogram else 0,
        tuple(point.explicit_bounds) if histogram else (),
        tuple(point.bucket_counts) if histogram else (),
        tuple(
            Exemplar(_number(each), each.trace_id.hex(), each.span_id.hex())
            for each in point.exemplars
        ),
        point.start_time_unix_nano,
        point.time_unix_nano,
        scope,
        resource,
    )


def _temporality(number: metrics_pb2.AggregationTemporality.ValueType) -> str:
    name: str = metrics_pb2.AggregationTemporality.Name(number)
    return name.removeprefix("AGGREGATION_TEMPORALITY_").lower()


def _number(point: Any) -> float:
    number: float = getattr(point, point.WhichOneof("value") or "as_int")
    return number


def _values(attributes: Iterable[KeyValue]) -> Values:
    return {each.key: _value(each.value) for each in attributes}


def _value(value: AnyValue) -> object:
    """The Python value; an array becomes a tuple, a list of keys and values a dictionary."""
    match value.WhichOneof("value"):
        case None:
            return None
        case "array_value":
            return tuple(_value(each) for each in value.array_value.values)
        case "kvlist_value":
            return _values(value.kvlist_value.values)
        case plain:
            return getattr(value, plain)
