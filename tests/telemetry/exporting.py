"""The OpenTelemetry SDK with its real exporters, pointed at a receiver as an operator would."""

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from unittest.mock import patch

from opentelemetry.exporter.otlp.proto.grpc import _log_exporter as grpc_logs
from opentelemetry.exporter.otlp.proto.grpc import metric_exporter as grpc_metrics
from opentelemetry.exporter.otlp.proto.grpc import trace_exporter as grpc_traces
from opentelemetry.exporter.otlp.proto.http import _log_exporter as http_logs
from opentelemetry.exporter.otlp.proto.http import metric_exporter as http_metrics
from opentelemetry.exporter.otlp.proto.http import trace_exporter as http_traces
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult

from tests.waiting import TIMEOUT

RESOURCE = Resource({"service.name": "vitrine", "service.instance.id": "one"})
EXPORTERS: dict[str, tuple[Any, Any, Any]] = {
    "grpc": (
        grpc_traces.OTLPSpanExporter,
        grpc_metrics.OTLPMetricExporter,
        grpc_logs.OTLPLogExporter,
    ),
    "http": (
        http_traces.OTLPSpanExporter,
        http_metrics.OTLPMetricExporter,
        http_logs.OTLPLogExporter,
    ),
}


class Sdk(NamedTuple):
    """What exports a span or a log record when it ends, and metrics on a flush."""

    tracing: TracerProvider
    metering: MeterProvider
    logging: LoggerProvider


@contextmanager
def exporting(protocol: str, endpoint: str, compression: str | None = None) -> Iterator[Sdk]:
    """The SDK, until the end of the block."""
    traces, metrics, logs = _exporters(protocol, endpoint, compression)
    reader = PeriodicExportingMetricReader(metrics, export_interval_millis=math.inf)
    sdk = Sdk(
        TracerProvider(resource=RESOURCE, shutdown_on_exit=False),
        MeterProvider([reader], RESOURCE, shutdown_on_exit=False),
        LoggerProvider(RESOURCE, shutdown_on_exit=False),
    )
    sdk.tracing.add_span_processor(SimpleSpanProcessor(traces))
    sdk.logging.add_log_record_processor(SimpleLogRecordProcessor(logs))
    try:
        yield sdk
    finally:
        for provider in sdk:
            provider.shutdown()


def export_span(protocol: str, endpoint: str, timeout: float) -> bool:
    """Export one span; whether it was accepted within so many seconds, retries included."""
    tracing = TracerProvider(resource=RESOURCE, shutdown_on_exit=False)
    span = tracing.get_tracer("here").start_span("alone")
    span.end()
    exporter, *others = _exporters(protocol, endpoint, timeout=timeout)
    try:
        return bool(exporter.export([span]) is SpanExportResult.SUCCESS)
    finally:
        for each in (exporter, *others):
            each.shutdown()


def _exporters(
    protocol: str, endpoint: str, compression: str | None = None, timeout: float = TIMEOUT
) -> tuple[Any, ...]:
    environment = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_EXPORTER_OTLP_TIMEOUT": str(timeout),
    }
    if compression:
        environment["OTEL_EXPORTER_OTLP_COMPRESSION"] = compression
    with patch.dict(os.environ, environment):
        return tuple(exporter() for exporter in EXPORTERS[protocol])
