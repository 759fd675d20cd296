"""One set-up for traces, metrics and logs: built in the lifespan of each worker, never before a
fork, and taken down within a budget."""

import os
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager

from fastapi import FastAPI
from opentelemetry import metrics, trace
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.sdk._logs import LoggerProvider, LogRecordLimits
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator
from starlette.middleware import Middleware

from app import __version__
from app.parts import Parts
from app.settings import TelemetrySettings
from app.telemetry import vocabulary as v
from app.telemetry.batches import log_batches, number, span_batches
from app.telemetry.delivery import Exporters, otlp
from app.telemetry.environment import warn_later
from app.telemetry.instrumentation import (
    Instrumentation,
    QuickMetrics,
    instrumented_by_others,
)
from app.telemetry.logs import handled, silenced, warned
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
AGENT = (
    "This process was instrumented before the service started (opentelemetry-instrument or an "
    "agent: {}). The service instruments itself: together, requests are traced twice and by old "
    "conventions, and metrics are missing. Start it without the other, or set "
    "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS=*; to have only the other's telemetry, set "
    "VITRINE_TELEMETRY__ENABLED=false"
)
ANOTHER_SDK = (
    "Another OpenTelemetry SDK is set up in this process. The service's telemetry goes where the "
    "OTEL_* variables say; durations of SQL statements, and what other code emits, go to the other"
)
METRIC_MILLISECONDS = 10_000
"""How often metrics are sent, where OTEL_METRIC_EXPORT_INTERVAL does not say."""


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
        self._ends: list[Callable[[], object]] = [self.traces.shutdown, sdk.shutdown]
        if exporters.spans is not None:
            self.traces.add_span_processor(span_batches(exporters.spans, sdk))
        processors = list(log_batches(settings, exporters.logs, sdk))
        for processor in processors:
            self.logs.add_log_record_processor(processor)
            self._ends.append(processor.shutdown)
        meter = sdk.get_meter(v.SCOPE, __version__)
        watch_process(meter)
        self.measures = Measures(meter, tallies)
        if exporters.delivery is not None:
            self.measures.watch(v.LOST, exporters.delivery.observe_lost)
        self.events = WideEvents(self._about, processors, clock)
        self.stages = self._stages(plain=plain, clock=clock)
        libraries = self.instrumentation = Instrumentation(self.traces, self.metrics)
        self.connection, self.client = libraries.connection, libraries.client
        self.refused = self.measures.refused

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
            if self.settings.logs == "off":
                stack.enter_context(warned())
            stack.enter_context(self.instrumentation.application(app, self.middleware()))
            async with watched_loop(self.measures):
                yield

    def flush(self) -> None:
        """Send what waits, now."""
        for provider in self._providers:
            provider.force_flush()

    def close(self) -> None:
        """Send what waits, side by side, and give up after the budget."""
        threads = [threading.Thread(target=each, daemon=True) for each in self._ends]
        until = time.monotonic() + self.settings.shutdown_seconds
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(max(until - time.monotonic(), 0))


def from_environment(settings: TelemetrySettings) -> Telemetry:
    """What a worker uses: OTLP, and its providers made the global ones for code of others."""
    os.environ.setdefault("OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED", "true")
    others = instrumented_by_others()
    telemetry = Telemetry(settings, otlp())
    found = trace.get_tracer_provider()
    if isinstance(found, trace.ProxyTracerProvider):  # none is set
        trace.set_tracer_provider(telemetry.traces)
        metrics.set_meter_provider(telemetry.metrics)
    elif not isinstance(found, QuickTracing) and not others:
        warn_later(ANOTHER_SDK)
    if others:
        warn_later(AGENT.format(", ".join(others)))
    return telemetry


def sdk_disabled() -> bool:
    """Whether the standard OTEL_SDK_DISABLED turns everything off."""
    return os.environ.get("OTEL_SDK_DISABLED") == "true"


def _readers(exporters: Exporters, tallies: Tallies) -> Sequence[MetricReader]:
    if exporters.metrics is None:
        return ()
    every = number("OTEL_METRIC_EXPORT_INTERVAL", METRIC_MILLISECONDS)
    return (PeriodicExportingMetricReader(tallies.sent_with(exporters.metrics), every),)


def _tracing(about: Resource, ids: IdGenerator | None) -> TracerProvider:
    return TracerProvider(resource=about, shutdown_on_exit=False, id_generator=ids)


def _logging(about: Resource) -> LoggerProvider:
    limits = LogRecordLimits(max_attribute_length=_longest())
    quiet = NoOpMeterProvider()  # it would count what passes through it, which is not all
    return LoggerProvider(
        about, shutdown_on_exit=False, log_record_limits=limits, meter_provider=quiet
    )


def _longest() -> int:
    return number("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", LONGEST_TEXT)
