"""The contract of a MeterProvider: what the stock SDK makes of measurements, quick_otel makes."""

import logging
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict
from itertools import product
from typing import Any
from unittest.mock import Mock

import pytest
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.context import Context
from opentelemetry.metrics import Meter
from opentelemetry.sdk import metrics as stock
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader
from opentelemetry.sdk.metrics.view import (
    DropAggregation,
    ExplicitBucketHistogramAggregation,
    ExponentialBucketHistogramAggregation,
    LastValueAggregation,
    View,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    TraceFlags,
    get_current_span,
    set_span_in_context,
    use_span,
)

import quick_otel


class Name(str):
    """A declared name, as a vocabulary has them."""

    __slots__ = ()


SDKS: list[type[stock.MeterProvider]] = [stock.MeterProvider, quick_otel.MeterProvider]
SAMPLED = NonRecordingSpan(SpanContext(7, 8, False, TraceFlags(1)))
UNSAMPLED = NonRecordingSpan(SpanContext(7, 9, False, TraceFlags(0)))
ATTRIBUTES: list[Any] = [
    None, {}, {"a": "x"}, {"a": "x", "b": "y"}, {"b": "y", "a": "x"}, {"a": True}, {"a": 1},
    {"a": 1.0}, {"a": None}, {"a": b"x"}, {"a": ["x"]}, {"a": ("x",)}, {"a": {"b": 1}}, {"": 1},
    {5: 1}, {"5": 1}, {"a": object}, ["no mapping"], {"c": "dropped by a view"},
    {"a": float("inf")}, {Name("a"): "x"},
]  # fmt: skip
AMOUNTS = (1, 2.5, 0, True, -1, float("nan"), float("inf"), 0.004)
DELTA = dict.fromkeys(
    (stock.Counter, stock.UpDownCounter, stock.Histogram), AggregationTemporality.DELTA
)


class Every(stock.ExemplarFilter):
    """All measurements in a span. For others the SDK's reservoir retains an earlier span's ids."""

    def should_sample(self, value: float, time: int, attributes: Any, context: Context) -> bool:
        return get_current_span(context).get_span_context().is_valid


UNSTABLE = {"start_time_unix_nano", "time_unix_nano"}
VIEWS: list[list[View]] = [
    [],
    [View(instrument_name="*", attribute_keys={"a"})],
    [View(instrument_name="h", aggregation=ExplicitBucketHistogramAggregation([0.1, 2], False))],
    [
        View(instrument_name="h", name="one"),
        View(instrument_name="h", name="two", attribute_keys={"b"}),
    ],
    [View(instrument_name="*", aggregation=DropAggregation())],
    [View(instrument_name="h", aggregation=ExponentialBucketHistogramAggregation())],
    [View(instrument_name="c", aggregation=LastValueAggregation())],
    [
        View(instrument_name="h", aggregation=DropAggregation()),
        View(instrument_name="h", name="kept", attribute_keys=set()),
    ],
]
OPTIONS: list[dict[str, Any]] = [
    *({"views": views} for views in VIEWS),
    {"exemplar_filter": Every()},
    {"exemplar_filter": stock.AlwaysOffExemplarFilter()},
    {"temporality": DELTA},
]


def _record(meter: Meter) -> None:
    record = meter.create_histogram("h", "s", "as advised", explicit_bucket_boundaries_advisory=[1])
    count, level = meter.create_counter("C"), meter.create_up_down_counter("u")
    gauge = meter.create_gauge("g")
    assert meter.create_counter("c") is count
    calls: list[Callable[..., None]] = [record.record, count.add, level.add, gauge.set]
    explicit = set_span_in_context(SAMPLED)
    for span in (SAMPLED, UNSAMPLED, None):
        with ExitStack() as stack:
            if span:
                stack.enter_context(use_span(span))
            for attributes, amount, call in product(ATTRIBUTES, AMOUNTS, calls):
                call(amount, attributes)
            given = {"a": "x"}
            for call in calls:
                call(1, given, explicit)
            given["a"] = "changed after the call"


def _collected(sdk: type[stock.MeterProvider], options: dict[str, Any]) -> list[Any]:
    options = dict(options)
    readers = [InMemoryMetricReader(options.pop("temporality", None)), InMemoryMetricReader()]
    provider = sdk(readers, Resource({"service.name": "x"}), shutdown_on_exit=False, **options)
    meter = provider.get_meter("scope", "1", "https://schema", {"a": 1})
    found = []
    for _ in range(2):
        _record(meter)
        found += [_facts(reader) for reader in readers]
    found.append(_facts(readers[0]))  # nothing new
    late = InMemoryMetricReader()
    provider.add_metric_reader(late)
    provider.remove_metric_reader(readers[1])
    _record(meter)
    found += [_facts(readers[0]), _facts(late)]
    provider.shutdown()
    return found


def _facts(reader: InMemoryMetricReader) -> Any:
    """All that was collected, without times, as text: True, 1 and 1.0 are equal."""
    data = reader.get_metrics_data()
    return (
        repr(_without_times(asdict(data)["resource_metrics"][0]["scope_metrics"])) if data else None
    )


def _without_times(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_times(each) for each in value]
    if not isinstance(value, dict):
        return value
    if "exemplars" in value and "explicit_bounds" not in value:
        value["exemplars"] = bool(value["exemplars"])  # a random sample
    return {key: _without_times(each) for key, each in value.items() if key not in UNSTABLE}


@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: "+".join(options) or "none")
def test_quick_metrics_are_those_of_the_sdk(
    options: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    made, warnings = [], []
    for sdk in SDKS:
        caplog.clear()
        made.append(_collected(sdk, options))
        warnings.append([record.getMessage() for record in caplog.records])
    assert made[0] == made[1]
    assert warnings[0] == warnings[1]


def test_measurements_of_many_threads_are_all_counted() -> None:
    reader = InMemoryMetricReader()
    provider = quick_otel.MeterProvider([reader], shutdown_on_exit=False)
    meter = provider.get_meter("x")
    count, record = meter.create_counter("c"), meter.create_histogram("h")

    def measure() -> None:
        for each in range(2000):
            count.add(1, {"a": each % 3})
            record.record(each % 7, {"a": each % 3})

    threads = [threading.Thread(target=measure) for _ in range(4)]
    for thread in threads:
        thread.start()
    collected = [reader.get_metrics_data() for _ in range(20)]
    for thread in threads:
        thread.join()
    collected.append(reader.get_metrics_data())
    last = collected[-1]
    assert last is not None
    counter: Any
    histogram: Any
    counter, histogram = last.resource_metrics[0].scope_metrics[0].metrics
    assert sum(point.value for point in counter.data.data_points) == 8000
    assert sum(point.count for point in histogram.data.data_points) == 8000


def test_a_declared_name_takes_the_short_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name may be a subclass of str: the SDK records and cleans the first one only."""
    histogram: Any = quick_otel.MeterProvider().get_meter("x").create_histogram("h")
    slow = Mock(wraps=histogram._slow)
    monkeypatch.setattr(histogram, "_slow", slow)
    for _ in range(3):
        histogram.record(1, {Name("a"): "x"})
    assert slow.call_count == 1
    tracer, cleaning = quick_otel.TracerProvider().get_tracer("x"), Mock()
    monkeypatch.setattr(BoundedAttributes, "__setitem__", cleaning)
    monkeypatch.setattr(BoundedAttributes, "_set_items", cleaning)
    span = tracer.start_span("x", attributes={Name("a"): "x"})
    span.set_attribute(Name("b"), "y")
    assert not cleaning.called


def test_instruments_are_those_of_the_sdk() -> None:
    meter = quick_otel.MeterProvider(shutdown_on_exit=False).get_meter("x")
    assert isinstance(meter, stock.Meter)
    assert isinstance(meter.create_counter("c"), stock.Counter)
    assert isinstance(meter.create_up_down_counter("u"), stock.UpDownCounter)
    assert isinstance(meter.create_histogram("h"), stock.Histogram)
