"""Tallies count as the SDK's instruments do."""

import itertools
import threading
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader
from opentelemetry.trace import SpanContext, TraceFlags

from app.telemetry.naming import Metric
from app.telemetry.tallies import MOST_SERIES, Tally

BOUNDS = (0.1, 0.5, 1, 2.5)
TOOK = Metric("took", "histogram", "s", "how long it took", ("kind", "well"), BOUNDS)
DONE = Metric("done", "counter", "{thing}", "how much was done", ("kind", "well"))
SAMPLED = TraceFlags(TraceFlags.SAMPLED)
amounts = st.floats(0, 10) | st.integers(0, 10) | st.sampled_from(BOUNDS)
kinds = st.tuples(st.sampled_from(["a", "b", None]), st.sampled_from([True, False, None]))
measurements = st.lists(st.tuples(amounts, kinds), min_size=1, max_size=30)


def points(tally: Tally) -> dict[Any, Any]:
    """The data points as they stand, by their attributes."""
    metric = tally.metric()
    assert metric is not None
    told: Any = metric.data.data_points
    return {frozenset(each.attributes.items()): each for each in told}


def point(tally: Tally) -> Any:
    """The only one there is."""
    [only] = points(tally).values()
    return only


def comparable(metric: Any) -> tuple[Any, ...]:
    """A metric, whenever it was collected and whatever it points to."""
    numbers, rows = ("count", "sum", "min", "max", "value"), ("bucket_counts", "explicit_bounds")
    told = {
        frozenset(each.attributes.items()): (
            *(getattr(each, name, None) for name in numbers),
            *(tuple(getattr(each, name, ())) for name in rows),
        )
        for each in metric.data.data_points
    }
    data = metric.data
    monotonic = getattr(data, "is_monotonic", None)
    return (
        metric.name, metric.unit, metric.description, type(data), data.aggregation_temporality,
        monotonic, told,
    )  # fmt: skip


def of_the_sdk(name: Metric, given: Iterable[tuple[float, tuple[Any, ...]]]) -> Any:
    """What an instrument of the SDK makes of these measurements."""
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], shutdown_on_exit=False)
    meter = provider.get_meter("here")
    if name.bounds:
        record = meter.create_histogram(
            name, name.unit, name.meaning, explicit_bucket_boundaries_advisory=name.bounds
        ).record
    else:
        record = meter.create_counter(name, name.unit, name.meaning).add
    for amount, values in given:
        named = zip(name.attributes, values, strict=True)
        record(amount, {key: value for key, value in named if value is not None})
    data: Any = reader.get_metrics_data()
    provider.shutdown()
    return data.resource_metrics[0].scope_metrics[0].metrics[0]


@pytest.mark.parametrize("name", [TOOK, DONE])
@given(measurements)
@example([(bound, ("a", True)) for bound in BOUNDS])
def test_the_same_as_of_the_sdk(
    name: Metric, measurements: list[tuple[float, tuple[Any, ...]]]
) -> None:
    tally = Tally(name)
    for amount, values in measurements:
        tally.add(amount, values)
    assert comparable(tally.metric()) == comparable(of_the_sdk(name, measurements))


@pytest.mark.parametrize("amount", [float("nan"), float("inf"), -1])
def test_what_is_no_amount_is_left_out_as_by_the_sdk(amount: float) -> None:
    tally, measurements = Tally(TOOK), [(each, ("a", True)) for each in (1, amount, 2)]
    for each, values in measurements:
        tally.add(each, values)
    assert comparable(tally.metric()) == comparable(of_the_sdk(TOOK, measurements))


def test_a_value_on_a_boundary_belongs_to_the_bucket_below() -> None:
    tally = Tally(TOOK)
    for value in (*BOUNDS, 0, 0.11, 2.6, 100):
        tally.add(value, (None, None))
    assert (point(tally).bucket_counts, point(tally).explicit_bounds) == ([2, 2, 1, 1, 2], BOUNDS)
    assert (point(tally).min, point(tally).max, point(tally).count) == (0, 100, 8)


def test_nothing_is_told_of_what_never_was() -> None:
    assert Tally(TOOK).metric() is None


def test_it_adds_up_from_one_collection_to_the_next() -> None:
    clock = itertools.count(1)
    tally = Tally(TOOK, lambda: next(clock))
    tally.add(0.2, ("a", None))
    first = point(tally)
    tally.add(3, ("a", None))
    second = point(tally)
    assert (first.count, first.sum, first.min, first.max) == (1, 0.2, 0.2, 0.2)
    assert (second.count, second.sum, second.min, second.max) == (2, 3.2, 0.2, 3)
    assert first.start_time_unix_nano == second.start_time_unix_nano == 1
    assert 1 < first.time_unix_nano < second.time_unix_nano
    assert first.bucket_counts == [0, 1, 0, 0, 0]  # what was collected stays as it was


def spot(number: int, flags: TraceFlags = SAMPLED) -> SpanContext:
    """A place to measure at."""
    return SpanContext(number, 10 * number, is_remote=False, trace_flags=flags)


@pytest.mark.parametrize("name", [TOOK, DONE])
def test_exemplars_point_to_sampled_spans_only(name: Metric) -> None:
    tally = Tally(name, lambda: 7)
    for number, flags in enumerate((SAMPLED, TraceFlags(0), TraceFlags(2), TraceFlags(3)), 1):
        tally.add(number / 100, ("a", None), spot(number, flags))
    tally.add(0.09, ("a", None))
    [exemplar] = point(tally).exemplars
    assert (exemplar.trace_id, exemplar.span_id, exemplar.value) == (4, 40, 0.04)
    assert (exemplar.time_unix_nano, exemplar.filtered_attributes) == (7, {})
    assert point(tally).exemplars == []  # it was told


def test_each_bucket_has_an_exemplar_of_its_own() -> None:
    tally = Tally(TOOK)
    for number, value in enumerate((0.05, 0.2, 0.3, 9), 1):
        tally.add(value, ("a", None), spot(number))
    tally.add(9.5, ("b", None), spot(5))
    told = {
        key: [(each.value, each.trace_id, each.span_id) for each in each.exemplars]
        for key, each in points(tally).items()
    }
    assert told == {
        frozenset({("kind", "a")}): [(0.05, 1, 10), (0.3, 3, 30), (9, 4, 40)],
        frozenset({("kind", "b")}): [(9.5, 5, 50)],
    }


@pytest.mark.parametrize("kinds", [3, 3 * MOST_SERIES])
def test_many_threads_lose_nothing(kinds: int) -> None:
    tally, workers, each = Tally(TOOK), 8, 2000
    started, ended = threading.Barrier(workers + 1), threading.Event()
    seen: list[int] = []

    def work() -> None:
        started.wait()
        for number in range(each):
            tally.add(1, (str(number % kinds), None))

    def collect() -> None:
        while not ended.is_set():
            metric: Any = tally.metric()
            seen.append(sum(each.count for each in metric.data.data_points) if metric else 0)

    threads = [threading.Thread(target=work) for _ in range(workers)]
    collector = threading.Thread(target=collect)
    for thread in (*threads, collector):
        thread.start()
    started.wait()
    for thread in threads:
        thread.join()
    ended.set()
    collector.join()
    told = points(tally)
    assert sum(point.count for point in told.values()) == workers * each
    assert sum(sum(point.bucket_counts) for point in told.values()) == workers * each
    assert sum(point.sum for point in told.values()) == workers * each
    assert len(told) == min(kinds, MOST_SERIES + 1)
    assert seen == sorted(seen)  # a sum of what is counted never falls


def test_they_are_cumulative() -> None:
    tally = Tally(DONE)
    tally.add(2, ("a", None))
    metric: Any = tally.metric()
    assert metric.data.aggregation_temporality is AggregationTemporality.CUMULATIVE
    assert metric.data.is_monotonic
