"""The service in this process, and everything it tells: spans, measurements and log records.

async with Service(settings) as service:
    answer = await service.ask("stale bread")
assert service.wide_event(answer).attributes["vitrine.ranking.degraded"] is False
"""

import re
from contextlib import AsyncExitStack
from itertools import count
from typing import Any, Protocol, Self
from unittest.mock import patch

import httpx
from opentelemetry._logs import LogRecord
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter
from opentelemetry.sdk.metrics.export import Metric, MetricExporter, MetricExportResult, MetricsData
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator
from starlette.types import ASGIApp, Receive, Scope, Send

from app.main import create_app
from app.settings import Settings, TelemetrySettings, WikipediaSettings
from app.telemetry import naming
from app.telemetry.delivery import Delivery, Exporters
from app.telemetry.setup import Telemetry
from app.telemetry.vocabulary import ANSWERED, SERVED
from tests.api.service import client_of
from tests.stand_in import StandIn
from tests.telemetry.trees import Tree, tree
from tests.waiting import PATIENCE

NEW_YEAR, STEP = 1_767_225_600_000_000_000, 1_000_000
"""Nanoseconds: the clock begins in 2026, and ticks a millisecond whenever it is looked at."""
GLOBAL_METERS = "opentelemetry.metrics._internal._METER_PROVIDER"
"""Where SQLite's instrumentation looks; it can be set for good only, or like this."""
TRACERESPONSE = re.compile("00-([0-9a-f]{32})-([0-9a-f]{16})-(0[01])")


class Numbers(IdGenerator):
    """Traces are numbered, and spans, each from 1."""

    def __init__(self) -> None:
        self._traces, self._spans = count(1), count(1)

    def generate_trace_id(self) -> int:
        return next(self._traces)

    def generate_span_id(self) -> int:
        return next(self._spans)


class KeptMetrics(MetricExporter):
    """Keeps what is exported."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.kept: list[MetricsData] = []

    def export(self, metrics_data: MetricsData, *_: Any, **__: Any) -> MetricExportResult:
        self.kept.append(metrics_data)
        return MetricExportResult.SUCCESS

    def force_flush(self, *_: Any, **__: Any) -> bool:
        return True

    def shutdown(self, *_: Any, **__: Any) -> None:
        """There is nothing to close."""


class Heard:
    """Takes everything that a `Telemetry` sends."""

    def __init__(self) -> None:
        self._spans = InMemorySpanExporter()
        self._logs = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]
        self.metrics = KeptMetrics()

    def listen(self, settings: TelemetrySettings) -> Telemetry:
        """A `Telemetry` that sends to here; its ids count, its clock ticks."""
        clock, delivery = count(NEW_YEAR, STEP), Delivery()
        spans = delivery.watched(self._spans, "traces")
        exporters = Exporters(spans, self.metrics, self._logs, delivery)
        return Telemetry(settings, exporters, ids=Numbers(), clock=lambda: next(clock))

    def refuse_spans(self) -> None:
        """Take none from now on."""
        self._spans.shutdown()

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        """Every span that was sent, in the order in which they ended."""
        return self._spans.get_finished_spans()

    @property
    def readable(self) -> tuple[ReadableLogRecord, ...]:
        """Every log record that was sent, with its resource and scope."""
        return self._logs.get_finished_logs()

    @property
    def records(self) -> list[LogRecord]:
        """Every log record that was sent."""
        return [each.log_record for each in self.readable]

    def measured(self) -> dict[str, Metric]:
        """Every metric as it stood at the last export."""
        resources = self.metrics.kept[-1].resource_metrics
        scopes = [scope for each in resources for scope in each.scope_metrics]
        return {metric.name: metric for each in scopes for metric in each.metrics}

    def counts(self, name: naming.Metric) -> dict[tuple[Any, ...], float]:
        """A counter's sums, or how often a histogram was recorded, by its declared attributes."""
        metric = self.measured().get(name)
        points: Any = metric.data.data_points if metric else ()
        return {
            tuple(each.attributes.get(key) for key in name.attributes): (
                each.count if name.instrument == "histogram" else each.value
            )
            for each in points
        }


class Service(Heard):
    """A service of its own that runs within its block. At the end it has told everything."""

    client: httpx.AsyncClient
    running: ASGIApp

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.app = create_app(settings, telemetry=self._listen)
        self._stack = AsyncExitStack()

    def _listen(self, settings: TelemetrySettings) -> Telemetry:
        self.telemetry = self.listen(settings)
        self._stack.enter_context(patch(GLOBAL_METERS, self.telemetry.metrics))
        return self.telemetry

    async def __aenter__(self) -> Self:
        state = await self._stack.enter_async_context(self.app.router.lifespan_context(self.app))

        async def running(scope: Scope, receive: Receive, send: Send) -> None:
            await self.app({**scope, "state": dict(state or {})}, receive, send)

        self.running = running
        self.client = await self._stack.enter_async_context(client_of(running))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def ask(self, text: str, headers: dict[str, str] | None = None) -> httpx.Response:
        """Ask for a recommendation."""
        return await self.client.post("/recommend", json={"query": text}, headers=headers)

    def of_trace(self, answer: httpx.Response) -> list[ReadableSpan]:
        """The spans of the trace that an answer names."""
        trace, _ = trace_of(answer)
        return [each for each in self.spans if each.context.trace_id == trace]

    def tree(self, answer: httpx.Response) -> Tree:
        """The same as a tree."""
        return tree(self.of_trace(answer))

    def said(self, answer: httpx.Response) -> list[LogRecord]:
        """The log records of the trace that an answer names."""
        trace, _ = trace_of(answer)
        return [each for each in self.records if each.trace_id == trace]

    def wide_event(self, answer: httpx.Response) -> LogRecord:
        """The one wide event of a request."""
        (found,) = [each for each in self.said(answer) if each.event_name in (SERVED, ANSWERED)]
        return found


class Telling(Protocol):
    """Makes services with a few documents. What they tell is held to the vocabulary."""

    def __call__(self, wikipedia: WikipediaSettings = ..., **changes: Any) -> Service: ...


def asking(stand_in: StandIn, **changes: Any) -> WikipediaSettings:
    """Settings under which the stand-in is asked, and waited for as long as it takes."""
    patient = {
        "base_url": stand_in.url, "trace_context": True,
        "deadline_seconds": PATIENCE, "timeout_seconds": PATIENCE,
    }  # fmt: skip
    return WikipediaSettings(**(patient | changes))


def trace_of(answer: httpx.Response) -> tuple[int, int]:
    """The ids of the trace and of the server span that an answer names."""
    found = TRACERESPONSE.fullmatch(answer.headers["traceresponse"])
    assert found
    return int(found[1], 16), int(found[2], 16)
