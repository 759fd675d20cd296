"""Faults of the way to the collector, and of the clock: wrappers around exporters."""

import time
from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from typing import Any

from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, MetricsData
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from app.faults.switchboard import Switchboard
from app.telemetry.kit import export_errors
from app.telemetry.kit.exporters import Delivery, Exporters

DRIFT = ".clock.drift"
"""End of the name of the metric that shows a clock that was set."""


def failing(exporters: Exporters, switchboard: Switchboard) -> Exporters:
    """Exporters that fail while a fault is on."""
    way = Way(switchboard, exporters.delivery or Delivery())
    return replace(
        exporters,
        spans=None if exporters.spans is None else FailingSpans(exporters.spans, way),
        metrics=None if exporters.metrics is None else FailingMetrics(exporters.metrics, way),
        logs=None if exporters.logs is None else FailingLogs(exporters.logs, way),
    )


class Way:
    """The way to the collector."""

    def __init__(self, switchboard: Switchboard, delivery: Delivery) -> None:
        self._switchboard, self._delivery = switchboard, delivery

    def is_closed(self, exporter: object, signal: str, items: int) -> bool:
        """Whether a batch is refused, which is reported as by a real exporter; waits if slow."""
        if (slow := self._switchboard.hit("collector-slow")) is not None:
            time.sleep(slow.delay)
        if self._switchboard.hit("collector-down") is None:
            return False
        export_errors.reset()
        self._delivery.report(exporter, signal, items, delivered=False)
        return True

    @property
    def ahead(self) -> int:
        """How far the wall clock is ahead, in nanoseconds."""
        active = self._switchboard.active("clock-skew")
        return int(active.delay * 1e9) if active is not None else 0


class FailingSpans(SpanExporter):
    """Spans."""

    def __init__(self, exporter: SpanExporter, way: Way) -> None:
        self._exporter, self._way = exporter, way

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        if self._way.is_closed(self._exporter, "traces", len(spans)):
            return SpanExportResult.FAILURE
        if ahead := self._way.ahead:
            spans = [_moved_span(each, ahead) for each in spans]
        return self._exporter.export(spans)

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return self._exporter.force_flush(timeout_millis)


class FailingLogs(LogRecordExporter):
    """Log records."""

    def __init__(self, exporter: LogRecordExporter, way: Way) -> None:
        self._exporter, self._way = exporter, way

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        if self._way.is_closed(self._exporter, "logs", len(batch)):
            return LogRecordExportResult.FAILURE
        if ahead := self._way.ahead:
            batch = [_moved_record(each, ahead) for each in batch]
        return self._exporter.export(batch)

    def shutdown(self) -> None:
        self._exporter.shutdown()  # type: ignore[no-untyped-call]

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return self._exporter.force_flush(timeout_millis)


class FailingMetrics(MetricExporter):
    """Metrics."""

    def __init__(self, exporter: MetricExporter, way: Way) -> None:
        temporality = exporter._preferred_temporality  # noqa: SLF001 - the reader reads it there
        super().__init__(temporality, exporter._preferred_aggregation)  # noqa: SLF001
        self._exporter, self._way = exporter, way

    def export(
        self, metrics_data: MetricsData, timeout_millis: float = 10_000, **options: Any
    ) -> MetricExportResult:
        if self._way.is_closed(self._exporter, "metrics", 1):
            return MetricExportResult.FAILURE
        if ahead := self._way.ahead:
            metrics_data = _moved_metrics(metrics_data, ahead)
        return self._exporter.export(metrics_data, timeout_millis, **options)

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        return self._exporter.force_flush(timeout_millis)

    def shutdown(self, timeout_millis: float = 30_000, **options: Any) -> None:
        self._exporter.shutdown(timeout_millis, **options)


def _moved_span(span: ReadableSpan, ahead: int) -> ReadableSpan:
    return ReadableSpan(
        name=span.name,
        context=span.get_span_context(),
        parent=span.parent,
        resource=span.resource,
        attributes=span.attributes,
        events=[Event(each.name, each.attributes, each.timestamp + ahead) for each in span.events],
        links=span.links,
        kind=span.kind,
        status=span.status,
        start_time=_later(span.start_time, ahead),
        end_time=_later(span.end_time, ahead),
        instrumentation_scope=span.instrumentation_scope,
    )


def _moved_record(readable: ReadableLogRecord, ahead: int) -> ReadableLogRecord:
    record = copy(readable.log_record)
    record.timestamp = _later(record.timestamp, ahead)
    record.observed_timestamp += ahead
    return replace(readable, log_record=record)


def _later(time_: int | None, ahead: int) -> int | None:
    return None if time_ is None else time_ + ahead


def _moved_metrics(data: MetricsData, ahead: int) -> MetricsData:
    def point(each: Any, name: str) -> Any:
        moved = {"time_unix_nano": each.time_unix_nano + ahead}
        if name.endswith(DRIFT):
            moved["value"] = each.value + ahead / 1e9
        return replace(each, **moved)

    def metric(each: Any) -> Any:
        points = [point(one, each.name) for one in each.data.data_points]
        return replace(each, data=replace(each.data, data_points=points))

    return replace(
        data,
        resource_metrics=[
            replace(
                each,
                scope_metrics=[
                    replace(scope, metrics=[metric(one) for one in scope.metrics])
                    for scope in each.scope_metrics
                ],
            )
            for each in data.resource_metrics
        ],
    )
