"""Numbers the exports of spans and log records, so that a backend can see that one is missing.

OTLP has no number for a request. The first item of each export carries the number and the count of
its items as attributes: the numbers of an instance have no gaps, and the counts add up. (Where
spans are sampled after the export, the first one may be dropped: use the log records there.)
"""

from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from itertools import count
from typing import Any

from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from .privacy import rewritten
from .vocabulary import CoreNames


class NumberedSpans(SpanExporter):
    """Wraps an exporter of spans."""

    def __init__(self, exporter: SpanExporter, core: CoreNames) -> None:
        self._exporter, self._core, self._numbers = exporter, core, count(1)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        if not spans:
            return self._exporter.export(spans)
        first, *others = spans
        about = _about(self._core, next(self._numbers), len(spans))
        marked = rewritten(first, dict(first.attributes or {}) | about)
        return self._exporter.export([marked, *others])

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return self._exporter.force_flush(timeout_millis)


class NumberedLogs(LogRecordExporter):
    """Wraps an exporter of log records."""

    def __init__(self, exporter: LogRecordExporter, core: CoreNames) -> None:
        self._exporter, self._core, self._numbers = exporter, core, count(1)

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        if not batch:
            return self._exporter.export(batch)
        first, *others = batch
        record = copy(first.log_record)
        about = _about(self._core, next(self._numbers), len(batch))
        record.attributes = {**(record.attributes or {}), **about}
        return self._exporter.export([replace(first, log_record=record), *others])

    def shutdown(self) -> None:
        self._exporter.shutdown()  # type: ignore[no-untyped-call]

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return self._exporter.force_flush(timeout_millis)


def _about(core: CoreNames, number: int, items: int) -> dict[str, Any]:
    return {str(core.batch): number, str(core.batch_items): items}
