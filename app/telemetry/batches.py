"""What waits to be sent: bounded queues, emptied in batches by threads of their own."""

import os
import sys
from collections.abc import Iterable

from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.sdk._logs import LogRecordProcessor
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter

from app.settings import TelemetrySettings
from app.telemetry.console_lines import ConsoleLine
from app.telemetry.lines import Lines

QUEUE, BATCH = 8192, 1024
"""Spans and records that wait to be sent, and how many go at once, where OTEL_BSP_* and OTEL_BLRP_*
do not say."""
DELAY_MILLISECONDS, LINES_MILLISECONDS = 1_000, 200
"""How long they wait for company; lines on standard output less."""


def span_batches(exporter: SpanExporter, metrics: MeterProvider) -> SpanProcessor:
    """The queue of spans."""
    return BatchSpanProcessor(exporter, **_sizes("BSP"), meter_provider=metrics)


def log_batches(
    settings: TelemetrySettings, exporter: LogRecordExporter | None, metrics: MeterProvider
) -> Iterable[LogRecordProcessor]:
    """The queues of log records: to standard output, and to the collector."""
    if settings.logs != "off" and sys.stdout is not None:  # None where it was closed at the start
        person = settings.logs == "text" or (settings.logs == "auto" and sys.stdout.isatty())
        form = ConsoleLine(settings.trace_url) if person else None
        yield BatchLogRecordProcessor(
            Lines(sys.stdout.buffer, form),
            schedule_delay_millis=LINES_MILLISECONDS,
            max_export_batch_size=BATCH,
            max_queue_size=QUEUE,
            meter_provider=NoOpMeterProvider(),  # one queue of each name can be measured
        )
    if exporter is not None:
        yield BatchLogRecordProcessor(exporter, **_sizes("BLRP"), meter_provider=metrics)


def _sizes(kind: str) -> dict[str, int]:
    """A batch is never larger than the queue it comes from."""
    queue = number(f"OTEL_{kind}_MAX_QUEUE_SIZE", QUEUE)
    return {
        "max_queue_size": queue,
        "max_export_batch_size": min(number(f"OTEL_{kind}_MAX_EXPORT_BATCH_SIZE", BATCH), queue),
        "schedule_delay_millis": number(f"OTEL_{kind}_SCHEDULE_DELAY", DELAY_MILLISECONDS),
    }


def number(name: str, default: int) -> int:
    """A standard variable, which `environment.py` has checked."""
    return int(os.environ.get(name, default))
