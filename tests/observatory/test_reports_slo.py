"""Figures of the report on objectives, compared with values worked out by hand."""

from dataclasses import replace

from opentelemetry.semconv.attributes.http_attributes import (
    HTTP_REQUEST_METHOD,
    HTTP_RESPONSE_STATUS_CODE,
    HTTP_ROUTE,
)

from app.telemetry import vocabulary as v
from app.telemetry.kit import vocabulary as kit_names
from app.telemetry.kit.vocabulary import SECONDS
from tests.observatory.report_results import Reports
from tests.observatory.report_telemetry import Attributes, Histogram, Number

HOUR = 3600
ASKED = "/recommend"
BUCKETS = len(SECONDS) + 1
WITHIN = SECONDS.index(0.25)
BEGAN = {"one": 50.5, "two": 90, "three": 90}


def answered(
    hours: float, times: int, status: int = 200, instance: str = "one", route: str = ASKED
) -> Histogram:
    """How many requests had been answered with a status; latency does not matter."""
    return Histogram(
        name=kit_names.SERVER_DURATION, ago=hours * HOUR, began=BEGAN[instance] * HOUR,
        bounds=SECONDS,
        counts=(times, *[0] * (BUCKETS - 1)), instance=instance,
        attributes={HTTP_RESPONSE_STATUS_CODE: status, HTTP_ROUTE: route},
    )  # fmt: skip


def made(hours: float, within: int, later: int, about: Attributes) -> Histogram:
    """How many requests took up to 0.25 s, and how many up to 0.5 s."""
    counts = [0] * BUCKETS
    counts[WITHIN], counts[WITHIN + 1] = within, later
    return Histogram(
        name=kit_names.SERVER_DURATION, ago=hours * HOUR, counts=tuple(counts), bounds=SECONDS,
        began=50 * HOUR, attributes={HTTP_ROUTE: ASKED, **about},
    )  # fmt: skip


def served(hours: float, times: int, *, degraded: bool) -> Number:
    """How many recommendations had been served."""
    return Number(
        name=v.RECOMMENDATIONS, ago=hours * HOUR, value=times, began=50 * HOUR,
        attributes={v.DEGRADED: degraded},
    )  # fmt: skip


def test_availability(reports: Reports) -> None:
    """2100 were fine: 1000, 500 and 400 more; 100 of a process that had 400 before, and 100 of the
    same since its restart.

    2 of 2102 failed, 2.102 may: 1 - 2 / 2.102 is left. In the last hour 1 of 401, which is 2.49
    times what is allowed; in the last six 2 of 1102, 1.81 times.
    """
    reports.insert(
        answered(50, 1000),
        answered(5, 1500),
        answered(0.5, 1900),
        answered(5, 1, 503),
        answered(0.5, 2, 503),
        answered(72.5, 400, instance="two"),
        answered(3, 500, instance="two"),
        replace(answered(2, 100, instance="two"), began=2.5 * HOUR),
        answered(74, 9999, 500, instance="three"),
        answered(0.5, 700, 500, route="/documents"),
    )
    assert reports.rows("slo")[0] == {
        "service": "vitrine",
        "objective": "availability",
        "target_percent": 99.9,
        "measured_percent": 99.905,
        "requests": 2102,
        "failed": 2,
        "budget_left_percent": 4.9,
        "burn_rate_1h": 2.49,
        "burn_rate_6h": 1.81,
    }


def test_latency(reports: Reports) -> None:
    """1 of 10 was late, half a one may be: twice the budget. What failed is another objective's."""
    reports.insert(
        made(2, 6, 1, {HTTP_RESPONSE_STATUS_CODE: 200, HTTP_REQUEST_METHOD: "POST"}),
        made(2, 3, 0, {HTTP_RESPONSE_STATUS_CODE: 200, HTTP_REQUEST_METHOD: "GET"}),
        made(2, 5, 7, {HTTP_RESPONSE_STATUS_CODE: 500}),
        made(2, 0, 50, {HTTP_RESPONSE_STATUS_CODE: 200, HTTP_ROUTE: "/documents"}),
    )
    assert [*reports.rows("slo")[1].values()] == [
        "vitrine",
        "latency",
        95,
        90,
        10,
        1,
        -100,
        None,
        2,
    ]


def test_quality(reports: Reports) -> None:
    """2 of 100 lacked something, 1 may: overdrawn by as much as there was; but not of late."""
    reports.insert(
        served(40, 60, degraded=False),
        served(40, 2, degraded=True),
        served(0.5, 98, degraded=False),
        served(0.5, 2, degraded=True),
    )
    assert [*reports.rows("slo")[2].values()] == ["vitrine", "quality", 99, 98, 100, 2, -100, 0, 0]


def test_a_service_without_the_route_is_measured_over_all_of_its_requests(reports: Reports) -> None:
    reports.insert(answered(0.5, 9, route="/price"), answered(0.5, 1, 500, route="/basket"))
    found = {row["objective"]: (row["requests"], row["failed"]) for row in reports.rows("slo")}
    assert found == {"availability": (10, 1), "latency": (9, 0), "quality": (0, 0)}


def test_a_process_older_than_what_is_kept(reports: Reports) -> None:
    """Then what it counted before is not of these three days."""
    old = Number(
        name=v.RECOMMENDATIONS, ago=70 * HOUR, value=10_000, began=900 * HOUR,
        attributes={v.DEGRADED: False},
    )  # fmt: skip
    now = Number(
        name=v.RECOMMENDATIONS, ago=60, value=10_200, began=900 * HOUR,
        attributes={v.DEGRADED: False},
    )  # fmt: skip
    reports.insert(old, now)
    assert reports.rows_of("slo", "otel")[2]["requests"] == 200
