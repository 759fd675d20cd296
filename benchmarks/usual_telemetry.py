"""The baseline of the telemetry benchmark: the same service with the stock libraries.

The three instrumentations, the SDK and its OTLP exporters have their defaults; the stages have the
same spans with the same attributes, written as OpenTelemetry's documentation shows. It emits no log
records and none of the service's own metrics, so it does less than the service.
"""

from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager, nullcontext

from fastapi import FastAPI
from opentelemetry import metrics, trace
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.instrumentation.sqlite3 import SQLite3Instrumentor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from app.composition import NoInstrumentation
from app.main import create_app
from app.settings import Settings
from app.telemetry.facts import REQUEST_STAGES, facts


class _Stage:
    result: object = None
    seconds, error = 0.0, None

    def __init__(self, name: str) -> None:
        self.name = name


class UsualStages:
    """A span for each stage that has one; its attributes are set at its end."""

    @contextmanager
    def observe(self, name: str, _: object = None) -> Iterator[_Stage]:
        stage = _Stage(name)
        if name in REQUEST_STAGES:
            yield stage
            _describe(trace.get_current_span(), stage)
        else:
            with trace.get_tracer("app").start_as_current_span(name) as span:
                yield stage
                _describe(span, stage)

    def note(self, occurrence: str, cause: BaseException | None = None) -> None:  # noqa: ARG002
        trace.get_current_span().add_event(occurrence)


def _describe(span: trace.Span, stage: _Stage) -> None:
    for key, value in facts(stage).attributes.items():
        span.set_attribute(key, value)


class Usual(NoInstrumentation):
    """Observes the stages; the libraries observe the rest."""

    stages = UsualStages()  # type: ignore[assignment]

    def around(self, _: FastAPI) -> AbstractAsyncContextManager[None]:
        return nullcontext()


def usual_app() -> FastAPI:
    """The service's app with the usual telemetry instead of its own."""
    traces = TracerProvider()
    traces.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(traces)
    metrics.set_meter_provider(MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter())]))
    SQLite3Instrumentor().instrument()
    HTTPXClientInstrumentor().instrument()
    made = create_app(Settings(), lambda _: Usual())
    FastAPIInstrumentor.instrument_app(made)
    return made
