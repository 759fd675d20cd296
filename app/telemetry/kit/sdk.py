"""Sets up the SDK behind the API: providers, views, processors and limits.

Only this module chooses the SDK: its providers, and whose exporters. Other modules use the API, and
from the stock SDK its exporters and their interfaces. Providers are created in the lifespan of each
worker, never before a fork. The SDK reads the standard variables OTEL_BSP_*, OTEL_BLRP_*,
OTEL_METRIC_EXPORT_*, OTEL_*_LIMIT and OTEL_TRACES_SAMPLER; `DEFAULTS` only changes their defaults.
"""

import os
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import (
    DropAggregation,
    ExplicitBucketHistogramAggregation,
    View,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import IdGenerator

from .environment import check_process
from .exceptions import BOTH, OPT_IN
from .exporters import PROTOCOLS, Exporters, Protocols, otlp
from .lines import Lines
from .numbering import NumberedLogs, NumberedSpans
from .privacy import PrivateSampler, PrivateSpans
from .settings import KitSettings
from .vocabulary import OF_LIBRARIES, CoreNames

DEFAULTS = {
    "OTEL_BSP_MAX_QUEUE_SIZE": "8192",
    "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "1024",
    "OTEL_BSP_SCHEDULE_DELAY": "1000",
    "OTEL_BLRP_MAX_QUEUE_SIZE": "8192",
    "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE": "1024",
    "OTEL_BLRP_SCHEDULE_DELAY": "1000",
    "OTEL_METRIC_EXPORT_INTERVAL": "10000",
    "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "8192",
    "OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED": "true",
    OPT_IN: BOTH,
}
"""Defaults of standard variables (in milliseconds, items, characters). The SDK's do not fit a
service: attributes are unlimited, metrics are exported once a minute, and exceptions are only on
spans, which the conventions have deprecated."""
LINES, LINES_AT_ONCE, LINES_MILLISECONDS = 8192, 1024, 200
"""Queue size, batch size and export interval (ms) of the lines on standard output."""
UNWANTED = (
    "http.server.active_requests", "http.server.request.body.size",
    "http.server.response.body.size", "db.client.response.returned_rows",
)  # fmt: skip
"""Unused metrics of the libraries; those of body sizes are wrong with concurrent requests."""


class Implementation(NamedTuple):
    """An SDK: provider classes, and OTLP exporter classes by protocol and signal."""

    traces: type[TracerProvider]
    metrics: type[MeterProvider]
    logs: type[LoggerProvider]
    protocols: Protocols


def implementation(name: str) -> Implementation:
    """The SDK `stock`, or `quick`: faster drop-in subclasses (the package `quick_otel`)."""
    if name == "stock":
        return Implementation(TracerProvider, MeterProvider, LoggerProvider, PROTOCOLS)
    import quick_otel  # noqa: PLC0415 - optional
    from quick_otel import grpc, http  # noqa: PLC0415

    over_grpc = {"traces": grpc.OTLPSpanExporter, "logs": grpc.OTLPLogExporter}
    over_http = {"traces": http.OTLPSpanExporter, "logs": http.OTLPLogExporter}
    protocols = {
        "grpc": PROTOCOLS["grpc"] | over_grpc,
        "http/protobuf": PROTOCOLS["http/protobuf"] | over_http,
    }
    return Implementation(
        quick_otel.TracerProvider, quick_otel.MeterProvider, quick_otel.LoggerProvider, protocols
    )


class Providers(NamedTuple):
    """Providers of traces, metrics and logs. `ends`: functions that shut them down, to be called in
    parallel, so that an exporter that hangs does not block the others."""

    traces: TracerProvider
    metrics: MeterProvider
    logs: LoggerProvider
    ends: Sequence[Callable[[], object]]


def set_defaults() -> None:
    """Set `DEFAULTS` for unset variables; must be called before anything is instrumented."""
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)


def otlp_exporters(settings: KitSettings) -> Exporters:
    """The chosen SDK's exporters by the standard variables, which are checked and completed first.

    Must be called before anything is instrumented.
    """
    check_process()
    set_defaults()
    return otlp(implementation(settings.sdk).protocols)


def providers(  # noqa: PLR0913 - named arguments
    sdk: Implementation,
    resource: Resource,
    exporters: Exporters,
    *,
    core: CoreNames,
    lines: Lines | None,
    plain: bool,
    ids: IdGenerator | None = None,
) -> Providers:
    """Create the providers. `lines`: exporter of log lines; `plain`: keep user input on spans."""
    readers = [PeriodicExportingMetricReader(exporters.metrics)] if exporters.metrics else []
    metrics = sdk.metrics(readers, resource, shutdown_on_exit=False, views=list(_views()))
    uncounted = NoOpMeterProvider()  # counting spans and records costs more than creating them

    traces = sdk.traces(
        resource=resource, shutdown_on_exit=False, id_generator=ids, meter_provider=uncounted
    )
    if exporters.spans is not None:
        sent_spans = exporters.spans
        if exporters.numbered:
            sent_spans = NumberedSpans(sent_spans, core)
        spans = PrivateSpans(sent_spans, plain=plain)
        traces.add_span_processor(BatchSpanProcessor(spans, meter_provider=metrics))
    if not plain:
        traces.sampler = PrivateSampler(traces.sampler)

    ends: list[Callable[[], object]] = [traces.shutdown, metrics.shutdown]
    logs = sdk.logs(resource, shutdown_on_exit=False, meter_provider=uncounted)
    if lines is not None:
        written = BatchLogRecordProcessor(
            lines,
            max_queue_size=LINES,  # OTEL_BLRP_* are for OTLP only
            max_export_batch_size=LINES_AT_ONCE,
            schedule_delay_millis=LINES_MILLISECONDS,
            meter_provider=uncounted,  # only one queue of each kind can be measured
        )
        logs.add_log_record_processor(written)
        ends.append(written.shutdown)
    if exporters.logs is not None:
        records = NumberedLogs(exporters.logs, core) if exporters.numbered else exporters.logs
        sent = BatchLogRecordProcessor(records, meter_provider=metrics)
        logs.add_log_record_processor(sent)
        ends.append(sent.shutdown)
    return Providers(traces, metrics, logs, ends)


def _views() -> Iterable[View]:
    """Views of the libraries' metrics: buckets, bounded attributes, and no unused metrics."""
    for metric in OF_LIBRARIES:
        yield View(
            instrument_name=metric,
            attribute_keys=set(metric.attributes),
            aggregation=ExplicitBucketHistogramAggregation(metric.bounds),
        )
    for name in UNWANTED:
        yield View(instrument_name=name, aggregation=DropAggregation())
