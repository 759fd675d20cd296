"""Rate, errors, durations and examples, counted by hand."""

from typing import Any

import pytest

from tests.cases import cases
from tests.observatory.page_client import Page
from tests.observatory.stored_telemetry import (
    CLIENT,
    ERROR,
    INTERNAL,
    MINUTE,
    MS,
    NOW,
    SECOND,
    SERVER,
    Part,
    StoredTelemetry,
    root,
    served,
    trace_id,
)

NOW_SECONDS = NOW // SECOND
TEN_MINUTES: dict[str, Any] = {"last": 600, "step": 60}


def at(chart: dict[str, Any], minute: int, *names: str) -> list[Any]:
    """Values of a minute; -1 is the last one that is over."""
    index = chart["times"].index((NOW_SECONDS // 60 + minute) * 60)
    return [chart[name][index] for name in names]


def test_nothing(page: Page) -> None:
    chart = page.get("charts", **TEN_MINUTES)
    assert chart["step"] == 60
    assert chart["times"] == list(range(NOW_SECONDS // 60 * 60 - 600, NOW_SECONDS, 60))
    assert set(chart["rate"]) == set(chart["errors"]) == set(chart["refused"]) == {0}
    assert set(chart["p50"]) == set(chart["p95"]) == set(chart["p99"]) == {None}
    assert chart["exemplars"] == []


@pytest.mark.lasting
def test_counts_and_quantiles(page: Page, stored: StoredTelemetry) -> None:
    for number in range(1, 101):
        status = None if number % 10 else ERROR
        stored.trace(number, NOW - MINUTE - number, root(length=number * MS, status=status))
    for _ in range(2):  # sent again, and counted once
        stored.trace(200, NOW - 3 * MINUTE, root(length=7 * MS))
    chart = page.get("charts", **TEN_MINUTES)
    minute = (NOW - MINUTE - 100) // MINUTE - NOW // MINUTE
    assert at(chart, minute, "rate", "errors") == [100 / 60, 10 / 60]
    assert at(chart, minute, "p50", "p95", "p99") == [50.5, 95.05, 99.01]
    assert at(chart, -3, "rate", "errors", "p50", "p99") == [1 / 60, 0, 7, 7]
    assert at(chart, -2, "rate", "p50") == [0, None]


def test_what_was_refused_is_apart_from_what_failed(page: Page, stored: StoredTelemetry) -> None:
    """A 4xx counts where it was answered; a call to others and background work are no requests."""
    answers = [("404", SERVER), ("422", SERVER), ("200", SERVER), ("500", SERVER)]
    for number, (status, kind) in enumerate([*answers, ("429", CLIENT), ("", INTERNAL)], 1):
        has = {"http.response.status_code": status}
        failed = ERROR if status == "500" else None
        stored.trace(number, NOW - 2 * MINUTE, root(kind=kind, has=has, status=failed))
    view = page.get("charts", **TEN_MINUTES)
    assert at(view, -2, "rate", "errors", "refused") == [4 / 60, 1 / 60, 2 / 60]


def test_the_last_point_counts_the_seconds_that_have_been(
    page: Page, stored: StoredTelemetry
) -> None:
    stored.trace(1, NOW - 5 * SECOND, root())
    assert NOW_SECONDS % 60 == 40
    assert at(page.get("charts", **TEN_MINUTES), 0, "rate") == [1 / 40]


def test_requests_are_what_enters_a_service(page: Page, stored: StoredTelemetry) -> None:
    stored.trace(
        1,
        NOW - MINUTE,
        root(service="gateway", length=9 * MS),
        Part(2, 1, "POST", service="gateway", kind=CLIENT, length=8 * MS),
        Part(3, 2, "POST /recommend", kind=SERVER, length=7 * MS, has=served()),
        Part(4, 3, "rank", length=6 * MS),
    )
    stored.trace(
        2, NOW - MINUTE, Part(3, 2, "GET", kind=SERVER, length=5 * MS)
    )  # its root is elsewhere
    view = page.get("charts", **TEN_MINUTES)
    assert [each["duration"] for each in view["exemplars"]] == [5, 9]
    assert sum(view["rate"]) * 60 == pytest.approx(3)
    ours = page.get("charts", **TEN_MINUTES, service="vitrine")
    assert sum(ours["rate"]) * 60 == pytest.approx(2)
    assert max(each for each in ours["p50"] if each) == 6  # of 5 and 7


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"route": "/feedback"}, [2]),
        ({"status": "degraded"}, [3]),
        ({"status": "error"}, [4]),
        ({"status": "ok"}, [1, 2]),
        ({"min_ms": 3}, [3, 4]),
        ({"max_ms": 2}, [1, 2]),
        ({"attr": "name=GET"}, [1]),
        ({"attr": "http.route!=/recommend"}, [2]),
        ({"attr": "resource.service.version=2"}, [3]),
        # What is below is not the request's own.
        ({"attr": "resource.service.version=9"}, []),
        (
            {"attr": ["name~get", "resource.service.name=vitrine"], "service": "vitrine"},
            [1, 2, 3, 4],
        ),
    ],
)
def test_filters(
    page: Page, stored: StoredTelemetry, filters: dict[str, Any], expected: list[int]
) -> None:
    below = Part(2, 1, "GET", kind=CLIENT, resource={"service.version": 9})
    stored.trace(1, NOW - MINUTE, root(length=1 * MS), below)
    stored.trace(2, NOW - MINUTE, root(length=2 * MS, has=served("/feedback")))
    degraded = served(vitrine__ranking__degraded=True)
    stored.trace(
        3, NOW - MINUTE, root(length=3 * MS, has=degraded, resource={"service.version": 2})
    )
    stored.trace(4, NOW - MINUTE, root(length=4 * MS, status=ERROR))
    chart = page.get("charts", last=600, step=1, **filters)
    assert round(sum(chart["rate"])) == len(expected)
    assert {each["trace_id"] for each in chart["exemplars"]} <= set(map(trace_id, expected))


def test_exemplars(page: Page, stored: StoredTelemetry) -> None:
    for number in range(1, 30):
        stored.trace(number, NOW - MINUTE, root(length=number * MS))
    degraded = served(vitrine__ranking__degraded=True)
    stored.trace(40, NOW - MINUTE + 7, root(length=40 * MS, has=degraded))
    stored.trace(41, NOW - MINUTE, root(length=1 * MS, status=ERROR))
    view = page.get("charts", **TEN_MINUTES)["exemplars"]
    assert 2 <= len(view) <= 3
    assert {
        "time": (NOW - MINUTE + 7) / MS,
        "duration": 40,
        "trace_id": trace_id(40),
        "status": "degraded",
        "name": "GET /recommend",
    } in view
    assert (trace_id(41), "error") in {(each["trace_id"], each["status"]) for each in view}
    assert page.get("charts", **TEN_MINUTES)["exemplars"] == view


def test_not_more_exemplars_than_can_be_drawn(page: Page, stored: StoredTelemetry) -> None:
    stored.engine.run(
        "INSERT INTO otel.otel_traces "
        "(Timestamp, TraceId, SpanId, SpanName, SpanKind, Duration, StatusCode) "
        "SELECT fromUnixTimestamp64Nano({now:Int64} - number * 100000000), "
        "lower(hex(sipHash128(number))), toString(number), 'x', 'Server', number, "
        "if(number % 3, 'Error', '') FROM numbers(6000)",
        now=NOW - 1,
    )
    view = page.get("charts", last=600, step=2)
    assert len(view["exemplars"]) == 300
    seconds = {int(each["time"] // 2000) for each in view["exemplars"]}
    assert len(seconds) == 300  # each point has its slowest before any has a second


@cases(
    ("last", "step"), [(60, 1), (120, 1), (600, 5), (3600, 30), (86_400, 900), (72 * 3600, 3600)]
)
def test_the_usual_step(page: Page, last: int, step: int) -> None:
    chart = page.get("charts", last=last)
    assert chart["step"] == step
    assert 60 <= len(chart["times"]) <= 122
    assert all(time % step == 0 for time in chart["times"])


def test_too_many_points(page: Page) -> None:
    problem = page.problem("charts", last=72 * 3600, step=1)
    assert (problem["status"], "1000 points" in problem["detail"]) == (422, True)
    assert len(page.get("charts", last=999, step=1)["times"]) <= 1000
