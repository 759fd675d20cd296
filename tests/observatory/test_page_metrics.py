"""The list of metrics and one of them over time; what is drawn is computed by hand."""

from typing import Any

import pytest
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AGGREGATION_TEMPORALITY_CUMULATIVE,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    NumberDataPoint,
    Sum,
)

from tests.observatory.messages import attributes
from tests.observatory.page_client import Page
from tests.observatory.stored_telemetry import MINUTE, NOW, SECOND, StoredTelemetry

BEGAN = NOW - 10 * MINUTE
SAMPLES = (BEGAN, NOW - 5 * MINUTE, NOW - 4 * MINUTE)
"""Three points of each series; 5 minutes ago and 4 minutes ago are steps of their own."""


def numbers(values: tuple[int, ...], **has: Any) -> list[NumberDataPoint]:
    return [
        NumberDataPoint(
            start_time_unix_nano=BEGAN, time_unix_nano=at, as_int=value, attributes=attributes(has)
        )
        for at, value in zip(SAMPLES, values, strict=True)
    ]


def total(name: str, *points: NumberDataPoint, monotonic: bool) -> Metric:
    data = Sum(
        data_points=points,
        aggregation_temporality=AGGREGATION_TEMPORALITY_CUMULATIVE,
        is_monotonic=monotonic,
    )
    return Metric(name=name, unit="{order}", description=f"About {name}.", sum=data)


@pytest.fixture
def shop(stored: StoredTelemetry) -> None:
    """Orders of two kinds, orders under way, a temperature of two places, durations."""
    durations = [
        HistogramDataPoint(
            start_time_unix_nano=BEGAN, time_unix_nano=at, count=sum(counts), sum=1,
            bucket_counts=counts, explicit_bounds=[0.1, 0.2],
        )
        for at, counts in zip(SAMPLES, ([0, 0, 0], [10, 0, 0], [10, 10, 0]), strict=True)
    ]  # fmt: skip
    histogram = Histogram(
        data_points=durations, aggregation_temporality=AGGREGATION_TEMPORALITY_CUMULATIVE
    )
    orders = [*numbers((0, 60, 180), kind="tea"), *numbers((0, 6, 6), kind="milk")]
    active = [*numbers((0, 1, 3), kind="tea"), *numbers((0, 2, 4), kind="milk")]
    degrees = [*numbers((0, 10, 30), kind="tea"), *numbers((0, 20, 40), kind="milk")]
    stale = [*numbers((0, 1, 5)), *numbers((0, 0, 0))]
    for point, later in zip(stale[3:], SAMPLES, strict=True):
        point.time_unix_nano = later + 1
    stale[4].as_double = float("nan")
    stale[5].flags = 1  # no recorded value
    stored.metrics(
        [
            Metric(name="shop.stale", gauge=Gauge(data_points=stale)),
            total("shop.orders", *orders, monotonic=True),
            total("shop.orders.active", *active, monotonic=False),
            Metric(name="shop.temperature", unit="Cel", gauge=Gauge(data_points=degrees)),
            Metric(name="shop.duration", unit="s", histogram=histogram),
        ],
        service="shop",
    )


@pytest.mark.usefixtures("shop")
def test_the_list(page: Page) -> None:
    found = {each["name"]: each for each in page.get("metrics")["metrics"]}
    assert {
        name: (each["kind"], each["series"], each["points"]) for name, each in found.items()
    } == {
        "shop.duration": ("histogram", 1, 3),
        "shop.orders": ("counter", 2, 6),
        "shop.orders.active": ("updowncounter", 2, 6),
        "shop.stale": ("gauge", 1, 5),
        "shop.temperature": ("gauge", 2, 6),
    }
    assert found["shop.orders"] == {
        "name": "shop.orders",
        "kind": "counter",
        "unit": "{order}",
        "description": "About shop.orders.",
        "services": ["shop"],
        "series": 2,
        "points": 6,
        "attributes": ["kind"],
        "newest": str(SAMPLES[-1]),
    }
    assert page.get("metrics", last=60) == {"metrics": []}


SERIES: list[tuple[dict[str, Any], dict[str, list[float]]]] = [
    ({"name": "shop.orders"}, {"": [66, 120]}),
    ({"name": "shop.orders", "by": "kind"}, {"tea": [60, 120], "milk": [6, 0]}),
    ({"name": "shop.orders", "by": "service"}, {"shop": [66, 120]}),
    ({"name": "shop.orders.active"}, {"": [3, 7]}),
    ({"name": "shop.temperature"}, {"": [15, 35]}),
    ({"name": "shop.temperature", "by": "kind"}, {"tea": [10, 30], "milk": [20, 40]}),
    ({"name": "shop.stale"}, {"": [1, 5]}),
    ({"name": "shop.duration"}, {"": [10, 10]}),
    ({"name": "shop.duration", "show": "p50"}, {"": [0.05, 0.15]}),
    ({"name": "shop.orders", "service": "nobody"}, {}),
]
"""Values of the steps that contain the last two samples; of rates, times the step."""


@pytest.mark.usefixtures("shop")
def test_series(page: Page, subtests: pytest.Subtests) -> None:
    for given, expected in SERIES:
        with subtests.test(str(given)):
            answer = page.get("metrics/series", **given)
            step, times = answer["step"], answer["times"]
            at = [times.index(sample // (step * 10**9) * step) for sample in SAMPLES[1:]]
            is_rate = answer["kind"] in ("counter", "histogram") and "show" not in given
            lines = {
                line["group"]: [line["values"][each] * (step if is_rate else 1) for each in at]
                for line in answer["lines"]
            }
            assert lines == {name: pytest.approx(line) for name, line in expected.items()}
            assert answer["groups"] == len(expected)


def test_the_last_rate_is_of_the_seconds_that_have_passed(
    page: Page, stored: StoredTelemetry
) -> None:
    at = NOW - 5 * SECOND
    point = NumberDataPoint(start_time_unix_nano=at, time_unix_nano=at, as_int=6)
    stored.metrics([total("shop.orders", point, monotonic=True)], service="shop")
    assert NOW // SECOND % 30 == 10
    [line] = page.get("metrics/series", name="shop.orders")["lines"]
    assert line["values"][-1] == 6 / 10


@pytest.mark.usefixtures("shop")
def test_what_cannot_be_drawn(page: Page, subtests: pytest.Subtests) -> None:
    for given, status, detail in (
        ({}, 422, "name"),
        ({"name": "shop.nothing"}, 404, "/api/metrics"),
        ({"name": "shop.orders", "show": "p95"}, 422, "histograms"),
        ({"name": "shop.orders", "show": "best"}, 422, "show"),
    ):
        with subtests.test(str(given)):
            problem = page.problem("metrics/series", **given)
            assert problem["status"] == status
            assert detail in problem["detail"]
