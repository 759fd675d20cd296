"""Data points of metrics as rows of the otel_metrics tables."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from opentelemetry.proto.metrics.v1 import metrics_pb2 as pb

from observatory.intake import data_points
from observatory.intake.attribute_values import pairs
from observatory.intake.otlp_messages import Metric, ResourceMetrics, ScopeMetrics, twin
from observatory.intake.resource_and_scope import UNREADABLE, Origin, Scope, envelope
from observatory.intake.row_blocks import Decoded, Row
from observatory.intake.time_window import Window
from observatory.store.native_format import (
    MAX_TIMESTAMP,
    Layout,
    attributes,
    number,
    string,
    text,
    timestamp,
)

COMMON = (
    attributes("ResourceAttributes"),
    string("ResourceSchemaUrl"),
    string("ScopeName"),
    string("ScopeVersion"),
    attributes("ScopeAttributes"),
    number("ScopeDroppedAttrCount", "UInt32"),
    string("ScopeSchemaUrl"),
    string("ServiceName"),
    string("MetricName"),
    string("MetricDescription"),
    string("MetricUnit"),
    attributes("Attributes"),
    timestamp("StartTimeUnix"),
    timestamp("TimeUnix"),
)

NO_RECORDED_VALUE = pb.DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK
"""Flag of a point that says only that its series has no value any more; it is not stored."""


class Kind(NamedTuple):
    """A kind of metric: its table, and the function for the values after the common columns."""

    layout: Layout
    rest: Callable[[Any, Any], Row]
    data: Any
    """Message classes of the metric's data and, next, of its points."""
    point: Any


def _kind(
    name: str, columns: tuple[Any, ...], rest: Callable[[Any, Any], Row], data: Any, point: Any
) -> Kind:
    layout = Layout(f"otel.otel_metrics_{name}", COMMON + columns)
    return Kind(layout, rest, twin(data), twin(point))


KINDS = {
    "gauge": _kind("gauge", data_points.GAUGE, data_points.gauge, pb.Gauge, pb.NumberDataPoint),
    "sum": _kind("sum", data_points.SUM, data_points.total, pb.Sum, pb.NumberDataPoint),
    "histogram": _kind(
        "histogram",
        data_points.HISTOGRAM,
        data_points.histogram,
        pb.Histogram,
        pb.HistogramDataPoint,
    ),
    "exponential_histogram": _kind(
        "exponential_histogram",
        data_points.EXPONENTIAL,
        data_points.exponential,
        pb.ExponentialHistogram,
        pb.ExponentialHistogramDataPoint,
    ),
    "summary": _kind(
        "summary", data_points.SUMMARY, data_points.summary, pb.Summary, pb.SummaryDataPoint
    ),
}


def decode(request: Any, window: Window, decoded: Decoded) -> None:
    """Add the data points of an ExportMetricsServiceRequest to `decoded`."""
    decoded.count(len(request.resource_metrics))
    for each in request.resource_metrics:
        group = envelope(ResourceMetrics, each)
        origin, resource_schema = Origin.read(group.resource), text(group.schema_url)
        decoded.count(len(group.scope_metrics))
        for one in group.scope_metrics:
            scoped = envelope(ScopeMetrics, one)
            scope, scope_schema = Scope.read(scoped.scope), text(scoped.schema_url)
            decoded.count(len(scoped.metrics))
            common: Row = ()
            shared = len(resource_schema) + len(scope_schema)
            if origin is not None and scope is not None:
                common = (
                    origin.attributes,
                    resource_schema,
                    scope.name,
                    scope.version,
                    scope.attributes,
                    scope.dropped,
                    scope_schema,
                    origin.service,
                )
                shared += origin.size + scope.size
            for metric in scoped.metrics:
                _add_points(decoded, window, common, shared, envelope(Metric, metric))


def _add_points(decoded: Decoded, window: Window, common: Row, shared: int, metric: Any) -> None:
    """Add the points of a metric; without `common` they are rejected."""
    name = metric.WhichOneof("data")
    if name is None:
        return  # a metric without data
    kind = KINDS[name]
    data = envelope(kind.data, getattr(metric, name))
    if not common:
        decoded.reject(len(data.data_points), UNREADABLE)
        return
    named = (*common, text(metric.name), text(metric.description), text(metric.unit))
    row = partial(_row, window, named, kind, data)
    shared += sum(map(len, named[-3:]))
    decoded.add(kind.layout, kind.point, data.data_points, row, shared)


def _row(window: Window, named: Row, kind: Kind, data: Any, point: Any) -> Row | None:
    if point.flags & NO_RECORDED_VALUE:
        return None
    return (
        *named,
        pairs(point.attributes),
        point.start_time_unix_nano & MAX_TIMESTAMP,
        window.check(point.time_unix_nano, "time"),
        *kind.rest(data, point),
    )
