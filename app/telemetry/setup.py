"""One set-up for traces, metrics and logs: built in the lifespan of each worker, never before a
fork, and taken down within a budget."""

import logging
import os
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import ExitStack, asynccontextmanager

from fastapi import FastAPI
from opentelemetry import metrics, trace
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.sdk._logs import LoggerProvider, LogRecordLimits, LogRecordProcessor
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator
from starlette.middleware import Middleware

from app import __version__
from app.parts import Parts
from app.settings import TelemetrySettings
from app.telemetry import vocabulary as v
from app.telemetry.delivery import Exporters, otlp
from app.telemetry.instrumentation import Instrumentation, QuickMetrics
from app.telemetry.logs import JsonLines, handled, silenced
from app.telemetry.measures import Measures
from app.telemetry.parts import watch_parts
from app.telemetry.privacy import hasher
from app.telemetry.process import watch_process, watched_loop
from app.telemetry.requests import RequestTelemetry
from app.telemetry.resource import resource
from app.telemetry.stages import TelemetryStages
from app.telemetry.tallies import Tallies
from app.telemetry.tracing import QuickTracing
from app.telemetry.wide_events import WideEvents

LONGEST_TEXT = 8192
"""Characters of an attribute, where OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT does not say."""
DELAY_MILLISECONDS, METRIC_MILLISECONDS = 1_000, 10_000
"""How long spans and records wait for company, and how often metrics are sent."""
QUEUE, BATCH = 8192, 1024
"""Spans and records that wait to be sent, and how many go at once, where OTEL_BSP_* and OTEL_BLRP_*
do not say."""
LINES_MILLISECONDS = 200
log = logging.getLogger(__name__)


class Telemetry:
    """The providers of one worker, and what is built on them. `close` it."""

    def __init__(
        self,
        settings: TelemetrySettings,
        exporters: Exporters,
        ids: IdGenerator | None = None,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        """`ids` makes trace and span ids; `clock`: nanoseconds since 1970."""
        self.settings, self._about = settings, resource(settings)
        plain = settings.query_text == "plain"
        tallies = Tallies(self._about, clock)
        sdk = MeterProvider(_readers(exporters, tallies), self._about, shutdown_on_exit=False)
        self.metrics = QuickMetrics(sdk, tallies)
        self.traces = QuickTracing(_tracing(self._about, ids), _longest(), plain=plain, clock=clock)
        self.logs = _logging(self._about)
        self._providers = (self.logs, self.traces, sdk)
        if exporters.spans is not None:
            self.traces.add_span_processor(_span_batches(exporters.spans, sdk))
        processors = list(_log_batches(settings, exporters.logs, sdk))
        for processor in processors:
            self.logs.add_log_record_processor(processor)
        meter = sdk.get_meter(v.SCOPE, __version__)
        watch_process(meter)
        self.measures = Measures(meter, tallies)
        self.events = WideEvents(self._about, processors, clock)
        self.stages = self._stages(plain=plain, clock=clock)
        libraries = self.instrumentation = Instrumentation(self.traces, self.metrics)
        self.connection, self.client = libraries.connection, libraries.client

    def _stages(self, *, plain: bool, clock: Callable[[], int]) -> TelemetryStages:
        secret = self.settings.hash_key
        hashed = hasher(secret.get_secret_value() if secret else None)
        tracer = self.traces.get_tracer(v.SCOPE, __version__)
        return TelemetryStages(tracer, self.measures, hashed, plain=plain, clock=clock)

    def middleware(self) -> Middleware:
        """What goes inside the server span."""
        return Middleware(
            RequestTelemetry,
            measures=self.measures,
            events=self.events,
            handed_on=self.settings.baggage,
            clock=self.traces.clock,
        )

    def parts(self, parts: Parts) -> None:
        """Gauges of what was built."""
        watch_parts(self.measures, parts)

    @asynccontextmanager
    async def around(self, app: FastAPI) -> AsyncIterator[None]:
        """Watch an application from its start to its end; then send what is left."""
        with ExitStack() as stack:
            stack.enter_context(silenced())
            stack.callback(self.close)
            stack.enter_context(handled(self.logs))
            stack.enter_context(self.instrumentation.application(app, self.middleware()))
            async with watched_loop(self.measures):
                yield

    def flush(self) -> None:
        """Send what waits, now."""
        for provider in self._providers:
            provider.force_flush()

    def close(self) -> None:
        """Send what waits, side by side, and give up after the budget."""
        threads = [threading.Thread(target=each.shutdown, daemon=True) for each in self._providers]
        until = time.monotonic() + self.settings.shutdown_seconds
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(max(until - time.monotonic(), 0))


def from_environment(settings: TelemetrySettings) -> Telemetry:
    """What a worker uses: OTLP, and its providers made the global ones for code of others."""
    os.environ.setdefault("OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED", "true")
    telemetry = Telemetry(settings, otlp())
    trace.set_tracer_provider(telemetry.traces)
    metrics.set_meter_provider(telemetry.metrics)
    return telemetry


def sdk_disabled() -> bool:
    """Whether the standard OTEL_SDK_DISABLED turns everything off."""
    return os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"


def _readers(exporters: Exporters, tallies: Tallies) -> Sequence[MetricReader]:
    if exporters.metrics is None:
        return ()
    every = _number("OTEL_METRIC_EXPORT_INTERVAL", METRIC_MILLISECONDS)
    return (PeriodicExportingMetricReader(tallies.sent_with(exporters.metrics), every),)


def _tracing(about: Resource, ids: IdGenerator | None) -> TracerProvider:
    return TracerProvider(resource=about, shutdown_on_exit=False, id_generator=ids)


def _logging(about: Resource) -> LoggerProvider:
    limits = LogRecordLimits(max_attribute_length=_longest())
    return LoggerProvider(about, shutdown_on_exit=False, log_record_limits=limits)


def _span_batches(exporter: SpanExporter, metrics: MeterProvider) -> SpanProcessor:
    return BatchSpanProcessor(
        exporter,
        schedule_delay_millis=_number("OTEL_BSP_SCHEDULE_DELAY", DELAY_MILLISECONDS),
        max_queue_size=_number("OTEL_BSP_MAX_QUEUE_SIZE", QUEUE),
        max_export_batch_size=_number("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", BATCH),
        meter_provider=metrics,
    )


def _log_batches(
    settings: TelemetrySettings, exporter: LogRecordExporter | None, metrics: MeterProvider
) -> Iterable[LogRecordProcessor]:
    if settings.logs == "json":
        yield BatchLogRecordProcessor(
            JsonLines(sys.stdout.buffer),
            schedule_delay_millis=LINES_MILLISECONDS,
            max_export_batch_size=BATCH,
            max_queue_size=QUEUE,
            meter_provider=NoOpMeterProvider(),  # one queue of each name can be measured
        )
    if exporter is not None:
        yield BatchLogRecordProcessor(
            exporter,
            schedule_delay_millis=_number("OTEL_BLRP_SCHEDULE_DELAY", DELAY_MILLISECONDS),
            max_queue_size=_number("OTEL_BLRP_MAX_QUEUE_SIZE", QUEUE),
            max_export_batch_size=_number("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", BATCH),
            meter_provider=metrics,
        )


def _longest() -> int:
    return _number("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", LONGEST_TEXT)


def _number(name: str, default: int) -> int:
    """A standard variable; one that is no number counts as not set, as the specification has it."""
    try:
        return int(os.environ.get(name, default))
    except ValueError:
        log.warning("%s is no whole number; %d is used", name, default)
        return default
