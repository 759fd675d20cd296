"""Data points of metrics as rows of the otel_metrics tables."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from observatory.intake import points
from observatory.intake.decoded import Decoded, Row
from observatory.intake.origin import Origin, Scope
from observatory.intake.values import pairs
from observatory.intake.window import Window
from observatory.native import LAST_MOMENT, Layout, attributes, moment, number, string, text

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
    moment("StartTimeUnix"),
    moment("TimeUnix"),
)


class Kind(NamedTuple):
    """A kind of metric: where its points go, and what they have besides the common columns."""

    layout: Layout
    rest: Callable[[Any, Any], Row]


def _kind(name: str, columns: tuple[Any, ...], rest: Callable[[Any, Any], Row]) -> Kind:
    return Kind(Layout(f"otel.otel_metrics_{name}", COMMON + columns), rest)


KINDS = {
    "gauge": _kind("gauge", points.GAUGE, points.gauge),
    "sum": _kind("sum", points.SUM, points.total),
    "histogram": _kind("histogram", points.HISTOGRAM, points.histogram),
    "exponential_histogram": _kind("exponential_histogram", points.EXPONENTIAL, points.exponential),
    "summary": _kind("summary", points.SUMMARY, points.summary),
}


def decode(request: Any, window: Window) -> Decoded:
    """The data points of an ExportMetricsServiceRequest."""
    decoded = Decoded()
    for group in request.resource_metrics:
        origin, resource_schema = Origin.of(group.resource), text(group.schema_url)
        for scoped in group.scope_metrics:
            scope = Scope.of(scoped.scope)
            common = (
                origin.attributes,
                resource_schema,
                scope.name,
                scope.version,
                scope.attributes,
                scope.dropped,
                text(scoped.schema_url),
                origin.service,
            )
            for metric in scoped.metrics:
                _take(decoded, window, common, origin.size + scope.size, metric)
    return decoded


def _take(decoded: Decoded, window: Window, common: Row, shared: int, metric: Any) -> None:
    name = metric.WhichOneof("data")
    if name is None:
        return  # a metric without points says nothing
    kind, data = KINDS[name], getattr(metric, name)
    named = (*common, text(metric.name), text(metric.description), text(metric.unit))

    row = partial(_row, window, named, kind, data)
    shared += sum(map(len, named[-3:]))
    decoded.take(kind.layout, data.data_points, row, shared)


def _row(window: Window, named: Row, kind: Kind, data: Any, point: Any) -> Row:
    return (
        *named,
        pairs(point.attributes),
        point.start_time_unix_nano & LAST_MOMENT,
        window.moment(point.time_unix_nano, "time"),
        *kind.rest(data, point),
    )
