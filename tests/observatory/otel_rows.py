"""Telemetry as rows of the tables of the collector's ClickHouse exporter."""

from collections.abc import Iterator
from typing import Any

from app.telemetry.vocabulary import SCOPE as NAME
from tests.observatory.report_telemetry import (
    Histogram,
    Number,
    Record,
    Span,
    Telemetry,
    as_texts,
    resource,
    span_id,
    trace_id,
)

Row = tuple[str, dict[str, Any]]
CUMULATIVE = 2
TABLES = (
    "otel.otel_traces",
    "otel.otel_logs",
    "otel.otel_metrics_gauge",
    "otel.otel_metrics_sum",
    "otel.otel_metrics_histogram",
)


def moment(nanoseconds: int) -> str:
    """As a DateTime64(9) is read."""
    return f"{nanoseconds // 10**9}.{nanoseconds % 10**9:09}"


def before(now: int, seconds: float) -> int:
    """Nanoseconds since 1970."""
    return now - round(seconds * 10**9)


def rows(telemetry: Telemetry, now: int) -> Iterator[Row]:
    """`now` in nanoseconds since 1970."""
    match telemetry:
        case Span():
            yield TABLES[0], _span(telemetry, before(now, telemetry.ago))
        case Record():
            yield TABLES[1], _record(telemetry, before(now, telemetry.ago))
        case Number(kind="gauge"):
            yield TABLES[2], {**_point(telemetry, now), "Value": telemetry.value}
        case Number():
            counts = {
                "AggregationTemporality": CUMULATIVE,
                "IsMonotonic": telemetry.kind == "counter",
            }
            yield TABLES[3], {**_point(telemetry, now), "Value": telemetry.value, **counts}
        case Histogram():
            yield TABLES[4], {**_point(telemetry, now), **_buckets(telemetry)}


def _span(span: Span, start: int) -> dict[str, Any]:
    return {
        "Timestamp": moment(start),
        "TraceId": trace_id(span.trace),
        "SpanId": span_id(span.id),
        "ParentSpanId": span_id(span.parent),
        "SpanName": span.name,
        "SpanKind": span.kind,
        "ServiceName": NAME,
        "ResourceAttributes": resource("one"),
        "ScopeName": span.scope,
        "SpanAttributes": as_texts(span.attributes),
        "Duration": round(span.seconds * 10**9),
        "StatusCode": "Error" if span.failed else "Unset",
        "Events.Timestamp": [moment(start) for _ in span.events],
        "Events.Name": [event.name for event in span.events],
        "Events.Attributes": [as_texts(event.attributes) for event in span.events],
        "Links.TraceId": [trace_id(trace) for trace, _ in span.links],
        "Links.SpanId": [span_id(span) for _, span in span.links],
        "Links.TraceState": ["" for _ in span.links],
        "Links.Attributes": [{} for _ in span.links],
    }


def _record(record: Record, at: int) -> dict[str, Any]:
    return {
        "Timestamp": moment(at),
        "TraceId": trace_id(record.trace) if record.trace else "",
        "SpanId": span_id(record.span),
        "SeverityText": record.severity,
        "SeverityNumber": record.number,
        "ServiceName": NAME,
        "Body": record.body,
        "ResourceAttributes": resource("one"),
        "ScopeName": "vitrine",
        "LogAttributes": as_texts(record.attributes),
        "EventName": record.body,
    }


def _point(point: Number | Histogram, now: int) -> dict[str, Any]:
    return {
        "ResourceAttributes": resource(point.instance),
        "ServiceName": NAME,
        "MetricName": point.name,
        "MetricUnit": point.unit if isinstance(point, Histogram) else "1",
        "Attributes": as_texts(point.attributes),
        "StartTimeUnix": moment(before(now, point.began)),
        "TimeUnix": moment(before(now, point.ago)),
    }


def _buckets(point: Histogram) -> dict[str, Any]:
    return {
        "Count": sum(point.counts),
        "Sum": point.total,
        "BucketCounts": point.counts,
        "ExplicitBounds": point.bounds,
        "AggregationTemporality": CUMULATIVE,
        "Exemplars.FilteredAttributes": [{} for _ in point.exemplars],
        "Exemplars.TimeUnix": [0 for _ in point.exemplars],
        "Exemplars.Value": [value for value, _ in point.exemplars],
        "Exemplars.SpanId": [span_id("e") for _ in point.exemplars],
        "Exemplars.TraceId": [trace_id(trace) for _, trace in point.exemplars],
    }
