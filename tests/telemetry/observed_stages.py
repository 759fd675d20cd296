"""Observed stages, and what was emitted of them."""

from typing import Any

from opentelemetry._logs import NoOpLogger
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from app.recommend.types import Query, Term
from app.telemetry import vocabulary as v
from app.telemetry.facts import FAILURES, REQUEST_STAGES, facts, user_text
from app.telemetry.kit.exceptions import Exceptions
from app.telemetry.kit.measurements import Instruments
from app.telemetry.kit.privacy import Hasher, PrivateSpans
from app.telemetry.kit.stages import StageConfig, Stages
from app.telemetry.kit.vocabulary import Metric

QUERY = Query("stale bread", (Term("stale", "stale"), Term("bread", "bread")), unknown=("bread",))


class Watch:
    """Stages, observed by the stock SDK."""

    def __init__(self, *, plain: bool = False) -> None:
        self._exporter, self._reader = InMemorySpanExporter(), InMemoryMetricReader()
        traces = TracerProvider(resource=Resource({}), shutdown_on_exit=False)
        traces.add_span_processor(SimpleSpanProcessor(PrivateSpans(self._exporter)))
        metrics = MeterProvider([self._reader], Resource({}), shutdown_on_exit=False)
        self.tracer = traces.get_tracer(v.SCOPE)
        self.instruments = Instruments(metrics.get_meter(v.SCOPE))
        config = StageConfig(v.CORE, facts, FAILURES, REQUEST_STAGES, user_text, plain)
        exceptions = Exceptions(FAILURES, NoOpLogger(v.SCOPE), v.CORE)
        self.stages = Stages(self.tracer, self.instruments, exceptions, Hasher("key"), config)

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        """The spans that have ended."""
        return self._exporter.get_finished_spans()

    @property
    def only(self) -> ReadableSpan:
        """The only one."""
        [span] = self.spans
        return span

    def counted(self, name: Metric) -> dict[frozenset[Any], int]:
        """How often something was measured, by attributes."""
        data = self._reader.get_metrics_data()
        scopes = [scope for each in data.resource_metrics for scope in each.scope_metrics]  # type: ignore[union-attr]
        points: list[Any] = [
            point
            for scope in scopes
            for metric in scope.metrics
            if metric.name == name
            for point in metric.data.data_points
        ]
        return {
            frozenset(each.attributes.items()): getattr(each, "count", None) or each.value
            for each in points
        }
