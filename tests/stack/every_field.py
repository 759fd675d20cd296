"""Texts in every position of OTLP where text can stand, and what a store has of them."""

from collections.abc import Iterable, Sequence
from time import time_ns
from typing import Any

from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AGGREGATION_TEMPORALITY_CUMULATIVE,
    ExponentialHistogram,
    ExponentialHistogramDataPoint,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    NumberDataPoint,
    Sum,
    Summary,
    SummaryDataPoint,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from tests.observatory.messages import REQUESTS, attributes, log, request, span, value
from tests.observatory.observatory_process import Observatory
from tests.observatory.otlp_client import over_grpc
from tests.stack.collector_process import Collector
from tests.waiting import until

SIGNALS = ("traces", "logs", "metrics")
SCOPES = {"traces": "scope_spans", "logs": "scope_logs", "metrics": "scope_metrics"}
TABLES = (
    "otel_traces",
    "otel_logs",
    "otel_metrics_gauge",
    "otel_metrics_sum",
    "otel_metrics_histogram",
    "otel_metrics_exponential_histogram",
    "otel_metrics_summary",
)
OF_SPANS = "traces.span.metrics"
KINDS, BODIES = 5, 4
"""Tables of metrics; records for each text."""


def kept(text: str) -> dict[str, Any]:
    """Attributes that have it as a string, in a list, in maps, as a key, and as a map's key."""
    return {
        "string": text,
        "list": ["first", text],
        "map": {"name": {"inner": [text]}},
        "keys": {text: "value", "deep": {text: 1}},
        text: "value",
    }


def spans(texts: Iterable[str]) -> list[Span]:
    """One for each text."""
    return [
        span(
            text,
            attributes=attributes(kept(text)),
            status=Status(code=Status.STATUS_CODE_ERROR, message=text),
            events=[
                Span.Event(name=text, time_unix_nano=time_ns(), attributes=attributes(kept(text)))
            ],
        )
        for text in texts
    ]


def bodies(text: str) -> tuple[Any, ...]:
    return (text, [text, ["deep", [text]]], kept(text), [kept(text)])


def records(texts: Iterable[str]) -> list[LogRecord]:
    """One for each text and kind of body."""
    return [
        log(
            "",
            body=value(body),
            attributes=attributes(kept(text)),
            severity_text=text,
            event_name=text,
        )
        for text in texts
        for body in bodies(text)
    ]


def metrics(texts: Iterable[str]) -> list[Metric]:
    """One of each kind for each text."""
    return [metric for text in texts for metric in _kinds(text)]


def _kinds(text: str) -> list[Metric]:
    about: dict[str, Any] = {"name": text, "description": text, "unit": text}
    point: dict[str, Any] = {"time_unix_nano": time_ns(), "attributes": attributes(kept(text))}
    summed: dict[str, Any] = {"aggregation_temporality": AGGREGATION_TEMPORALITY_CUMULATIVE}
    number = NumberDataPoint(as_int=1, **point)
    histogram = HistogramDataPoint(bucket_counts=[0, 1], explicit_bounds=[1.0], **point)
    exponential = ExponentialHistogram(data_points=[ExponentialHistogramDataPoint(**point)])
    exponential.aggregation_temporality = AGGREGATION_TEMPORALITY_CUMULATIVE
    return [
        Metric(gauge=Gauge(data_points=[number]), **about),
        Metric(sum=Sum(data_points=[number], **summed), **about),
        Metric(histogram=Histogram(data_points=[histogram], **summed), **about),
        Metric(exponential_histogram=exponential, **about),
        Metric(summary=Summary(data_points=[SummaryDataPoint(**point)]), **about),
    ]


def message(signal: str, texts: Iterable[str], service: str) -> Any:
    """All of a signal, of this service; each text has a resource and a scope of its own."""
    makers: dict[str, Any] = {"traces": spans, "logs": records, "metrics": metrics}
    merged = REQUESTS[signal]()
    for text in texts:
        scope = InstrumentationScope(name=text, version=text, attributes=attributes(kept(text)))
        part = request(
            signal, makers[signal]([text]), kept(text) | {"service.name": service}, scope
        )
        [(_, [of_resource])] = part.ListFields()
        of_resource.schema_url = text
        [of_scope] = getattr(of_resource, SCOPES[signal])
        of_scope.schema_url = text
        merged.MergeFrom(part)
    return merged


def send(collector: Collector, store: Observatory, texts: Sequence[str], service: str) -> None:
    """All signals; return when each record has arrived."""
    for signal in SIGNALS:
        answer = over_grpc(collector, signal, message(signal, texts, service))
        assert answer.code == 0, answer
    arrived(store, service, [len(texts), len(texts) * BODIES, *[len(texts)] * KINDS])


def arrived(store: Observatory, service: str, expected: Sequence[int]) -> None:
    """Return when each table has so many records of a service."""
    until(lambda: [count(store, table, service) for table in TABLES] == expected)


def count(store: Observatory, table: str, service: str) -> int:
    return int(store.value(f"SELECT count() FROM otel.{table} WHERE {_sent(table, service)}"))


def rows(store: Observatory, table: str, service: str) -> list[dict[str, Any]]:
    """Everything that a table has of a service, each row with all its columns."""
    return store.rows(f"SELECT * FROM otel.{table} WHERE {_sent(table, service)}")


def _sent(table: str, service: str) -> str:
    """Leaves out the Collector's span metrics, which follow with its next flush."""
    sent = f" AND MetricName NOT LIKE '{OF_SPANS}%'" if table.startswith("otel_metrics") else ""
    return f"ServiceName = '{service}'{sent}"
