"""CPU of the SDK without a service: the stock SDK and quick_otel, in one run.

python -m benchmarks.sdk [--rounds 7]

The figures are CPU microseconds per item, the median over rounds in which the two alternate.
"""

import argparse
import gc
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

from opentelemetry._logs import SeverityNumber
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import (
    BatchLogRecordProcessor,
    InMemoryLogRecordExporter,
)
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.metrics.view import ExplicitBucketHistogramAggregation, View
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.util.types import AnyValue

import quick_otel
from benchmarks.report import report
from quick_otel import encoding

ITEMS = 4_000
ATTRIBUTES: Mapping[str, AnyValue] = {
    "a.count": 7,
    "a.name": "text",
    "a.ratio": 0.5,
    "a.hit": True,
    "a.kind": "short",
}
WIDE: Mapping[str, AnyValue] = {
    f"{key}.{number}": value for number in range(4) for key, value in ATTRIBUTES.items()
}
LABELS = {"stage": "rank candidates", "outcome": "ok"}
VIEW = View(
    instrument_name="h",
    attribute_keys=set(LABELS),
    aggregation=ExplicitBucketHistogramAggregation([0.001, 0.01, 0.1, 1, 10]),
)
QUEUE: dict[str, Any] = {"max_queue_size": 2 * ITEMS, "schedule_delay_millis": 60_000}
Run = Callable[[], float]
"""Returns CPU microseconds an item."""


def _timed(work: Callable[[], object]) -> float:
    gc.collect()  # otherwise a round would include the garbage of another
    started = time.process_time()
    work()
    return (time.process_time() - started) / ITEMS * 1e6


def spans(sdk: type[TracerProvider], kept: list[ReadableSpan]) -> float:
    """A tree of four spans with five attributes each, into the queue of the batch processor."""
    exporter = InMemorySpanExporter()
    provider = sdk(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter, max_export_batch_size=ITEMS, **QUEUE))
    tracer = provider.get_tracer("benchmark")

    def work() -> None:
        for _ in range(ITEMS // 4):
            with tracer.start_as_current_span("root", attributes=ATTRIBUTES):
                for _ in range(3):
                    with tracer.start_as_current_span("child") as child:
                        child.set_attributes(ATTRIBUTES)

    took = _timed(work)
    provider.shutdown()
    kept[:] = exporter.get_finished_spans()
    return took


def measurements(sdk: type[MeterProvider], *, sampled: bool) -> float:
    """A histogram with a View and two attributes; `sampled`: in a span, for exemplars."""
    provider = sdk([InMemoryMetricReader()], shutdown_on_exit=False, views=[VIEW])
    histogram = provider.get_meter("benchmark").create_histogram("h")
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("benchmark")

    def work() -> None:
        for _ in range(ITEMS):
            histogram.record(0.05, dict(LABELS))

    if not sampled:
        return _timed(work)
    with tracer.start_as_current_span("x"):
        return _timed(work)


def counts(sdk: type[MeterProvider]) -> float:
    """A counter with two attributes."""
    provider = sdk([InMemoryMetricReader()], shutdown_on_exit=False)
    counter = provider.get_meter("benchmark").create_counter("c")

    def work() -> None:
        for _ in range(ITEMS):
            counter.add(1, dict(LABELS))

    return _timed(work)


def records(sdk: type[LoggerProvider], kept: list[Any]) -> float:
    """An event with 20 attributes, into the queue of the batch processor."""
    make: Any = InMemoryLogRecordExporter  # untyped
    exporter = make()
    provider = sdk(shutdown_on_exit=False)
    batches = BatchLogRecordProcessor(exporter, max_export_batch_size=ITEMS, **QUEUE)
    provider.add_log_record_processor(batches)
    logger = provider.get_logger("benchmark")

    def work() -> None:
        for _ in range(ITEMS):
            logger.emit(
                event_name="served", attributes=WIDE, severity_number=SeverityNumber.INFO, body="x"
            )

    took = _timed(work)
    provider.shutdown()
    kept[:] = exporter.get_finished_logs()
    return took


def pairs() -> dict[str, tuple[Run, Run]]:
    """The measurements on the stock SDK and on quick_otel. Encoders encode the latest items."""
    s1, s2, l1, l2 = (list[Any]() for _ in range(4))
    quick_meters, quick_logs = quick_otel.MeterProvider, quick_otel.LoggerProvider
    return {
        "span, five attributes, queued": (
            lambda: spans(TracerProvider, s1),
            lambda: spans(quick_otel.TracerProvider, s2),
        ),
        "the same span, as OTLP bytes": (
            lambda: _timed(lambda: encode_spans(s1).SerializeToString()),
            lambda: _timed(lambda: encoding.encode_spans(s2).SerializeToString()),
        ),
        "histogram": (
            lambda: measurements(MeterProvider, sampled=False),
            lambda: measurements(quick_meters, sampled=False),
        ),
        "histogram, in a sampled span": (
            lambda: measurements(MeterProvider, sampled=True),
            lambda: measurements(quick_meters, sampled=True),
        ),
        "counter": (lambda: counts(MeterProvider), lambda: counts(quick_meters)),
        "log record, 20 attributes, queued": (
            lambda: records(LoggerProvider, l1),
            lambda: records(quick_logs, l2),
        ),
        "the same record, as OTLP bytes": (
            lambda: _timed(lambda: encode_logs(l1).SerializeToString()),
            lambda: _timed(lambda: encoding.encode_logs(l2).SerializeToString()),
        ),
    }


def main() -> None:
    """Measure, print the table, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    rounds: int = parser.parse_args().rounds
    rows = []
    for what, (stock, quick) in pairs().items():
        times = [(stock(), quick()) for _ in range(rounds)]
        of_stock, of_quick = (statistics.median(each) for each in zip(*times, strict=True))
        ratio = statistics.median(quick / stock for stock, quick in times)
        rows.append({"CPU µs each": what, "stock": of_stock, "quick": of_quick, "ratio": ratio})
    report("sdk", "CPU of the SDK alone", rows)


if __name__ == "__main__":
    main()
