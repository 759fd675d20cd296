"""What the page Health says of a service that is well, and of one that is not, and why."""

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

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
from starlette.testclient import TestClient

from app.telemetry.kit.vocabulary import SECONDS
from observatory.composition import Parts
from observatory.ui.application import page as application
from slo.objectives import read
from tests.observatory.messages import attributes
from tests.observatory.page_client import Page
from tests.observatory.stored_telemetry import (
    CLIENT,
    ERROR,
    MINUTE,
    MS,
    NOW,
    SECOND,
    Part,
    StoredTelemetry,
    record,
    root,
    served,
)

INTERVAL = 10 * SECOND
BEGAN = 20 * MINUTE
"""How long before NOW the process began; it sends metrics each INTERVAL."""


def times(until: int) -> range:
    """From the beginning until so long before NOW."""
    return range(NOW - BEGAN, NOW - until + 1, INTERVAL)


def counter(name: str, total: int, until: int = 0, **has: Any) -> Metric:
    """A counter that grows evenly to a total at NOW."""
    points = [
        NumberDataPoint(
            start_time_unix_nano=NOW - BEGAN,
            time_unix_nano=at,
            as_int=round(total * (at - NOW + BEGAN) / BEGAN),
            attributes=attributes({key.replace("__", "."): each for key, each in has.items()}),
        )
        for at in times(until)
    ]
    data = Sum(
        data_points=points,
        aggregation_temporality=AGGREGATION_TEMPORALITY_CUMULATIVE,
        is_monotonic=True,
    )
    return Metric(name=name, sum=data)


def requests(total: int, code: int, seconds: float = 0.01, until: int = 0) -> Metric:
    """Requests that are answered with a status, all as fast."""
    place = next(at for at, bound in enumerate(SECONDS) if seconds <= bound)
    points = []
    for at in times(until):
        count = round(total * (at - NOW + BEGAN) / BEGAN)
        buckets = [0] * (len(SECONDS) + 1)
        buckets[place] = count
        points.append(
            HistogramDataPoint(
                start_time_unix_nano=NOW - BEGAN,
                time_unix_nano=at,
                count=count,
                bucket_counts=buckets,
                explicit_bounds=SECONDS,
                attributes=attributes(served(code=code)),
            )
        )
    data = Histogram(data_points=points, aggregation_temporality=AGGREGATION_TEMPORALITY_CUMULATIVE)
    return Metric(name="http.server.request.duration", unit="s", histogram=data)


def recommendations(total: int, *, degraded: bool) -> Metric:
    return counter("vitrine.recommendations", total, vitrine__ranking__degraded=degraded)


def alive(until: int = 0) -> list[Metric]:
    """What a process sends anyway."""
    return [
        counter("process.cpu.time", 1000, until),
        counter("vitrine.requests.active", 1, until),
    ]


@pytest.fixture
def health(stored: StoredTelemetry, page_parts: Parts) -> Callable[..., Any]:
    """Stores metrics of a service, and returns what the page says then."""

    def health(*metrics: Metric, plan: bool = True, service: str = "vitrine") -> Any:
        if metrics:
            stored.metrics(metrics, service=service)
        own = replace(page_parts, plan=read() if plan else None)
        client = TestClient(application(own, lambda: NOW), base_url="http://127.0.0.1")
        return Page(client).get("health")

    return health


def states(answer: Any) -> dict[str, str]:
    return {each["name"]: each["state"] for each in answer["alerts"] if each["state"] != "ok"}


def notes(answer: Any) -> str:
    return "\n".join(each["text"] for each in answer["verdict"]["notes"])


def test_nothing_is_stored(health: Callable[..., Any]) -> None:
    answer = health()
    assert answer["verdict"]["state"] == "empty"
    assert answer["alerts"] == answer["services"] == []


def test_it_is_well(health: Callable[..., Any], stored: StoredTelemetry) -> None:
    stored.trace(1, NOW - MINUTE, root(has=served(vitrine__model__name="fusion")))
    answer = health(*alive(), requests(2400, 200), recommendations(2400, degraded=False))

    assert (answer["verdict"]["state"], answer["verdict"]["sentence"]) == (
        "ok",
        "All objectives met",
    )
    assert states(answer) == {}
    assert [(each["name"], each["met"], each["budget_left"]) for each in answer["objectives"]] == [
        ("availability", True, 1), ("latency", True, 1), ("quality", True, 1)
    ]  # fmt: skip
    [service] = answer["services"]
    assert (service["requests"], service["failed"], service["refused"]) == (1800, 0, 0)
    assert service["p95"] == 10 * MS
    assert [(each["name"], each["requests"]) for each in answer["models"]] == [("fusion", 1)]


def test_a_dependency_is_broken(health: Callable[..., Any], stored: StoredTelemetry) -> None:
    call = {"server.address": "wiki.example", "http.request.method": "GET"}
    for trace in range(1, 7):
        stored.trace(
            trace,
            NOW - trace * MINUTE,
            root(has=served(vitrine__ranking__degraded="true")),
            Part(2, 1, "GET", kind=CLIENT, has=call, status=ERROR),
        )
    asked = "vitrine.topic_signal.requests"
    answer = health(
        *alive(),
        requests(1200, 200),
        recommendations(1200, degraded=True),
        counter(asked, 900, vitrine__topic_signal__outcome="open_circuit"),
        counter(asked, 300, vitrine__topic_signal__outcome="error"),
    )

    assert states(answer) == {
        "quality-fast": "firing", "quality-steady": "firing", "quality-slow": "firing",
        "circuit-open": "firing", "degraded-share": "firing",
    }  # fmt: skip
    assert answer["verdict"]["sentence"] == (
        "3 alerts: Quality budget, Circuit open, Degraded share"
    )
    first = answer["alerts"][0]
    assert first["summary"] == "100 % of the recommendations were degraded within 1h"
    assert first["trace_id"] == f"{1:032x}"
    assert first["chart"]["values"][-1] == 1
    [circuit] = [each for each in answer["alerts"] if each["name"] == "circuit-open"]
    assert circuit["summary"] == "The circuit breaker rejects 75 % of the requests to Wikipedia"
    assert [each["budget_left"] for each in answer["objectives"]] == [1, 1, pytest.approx(-99)]
    assert "wiki.example: 6 of 6 calls from vitrine failed" in notes(answer)
    assert "topic signal: the circuit breaker rejected 675 of 900 calls" in notes(answer)
    [edge] = [each for each in answer["edges"] if each["source"] == "vitrine"]
    assert (edge["target"], edge["kind"], edge["failed"]) == ("wiki.example", "http", 6)


def test_a_flood_of_bad_requests(health: Callable[..., Any]) -> None:
    answer = health(
        *alive(), requests(800, 200), requests(1200, 429), recommendations(800, degraded=False)
    )

    assert answer["verdict"]["state"] == "notes"
    assert answer["verdict"]["sentence"] == "All objectives met"
    assert notes(answer) == "vitrine: 900 of 1,500 requests were refused (900 × 429)"
    assert answer["verdict"]["notes"][0]["address"] == (
        "/traces?last=900&attr=http.response.status_code%3D429"
    )


def test_storage_is_busy_and_slow(health: Callable[..., Any]) -> None:
    answer = health(
        *alive(), requests(900, 200, 0.4), requests(300, 503), recommendations(900, degraded=False)
    )

    found = states(answer)
    assert {"availability-fast", "latency-fast", "high-error-rate", "high-latency"} <= set(found)
    assert found["high-latency"] == "firing"
    assert "vitrine: 225 of 900 requests failed (225 × 503)" in notes(answer)


@pytest.mark.parametrize(
    ("age", "state", "sentence"),
    [
        (30, "ok", "2 of 3 objectives met, 1 without requests"),
        (50, "silent", "No telemetry arrives from vitrine"),
    ],
)
def test_it_is_silent(health: Callable[..., Any], age: int, state: str, sentence: str) -> None:
    """Three export intervals are 30 s."""
    until = age * SECOND
    answer = health(*alive(until), requests(1200, 200, until=until))

    assert (answer["verdict"]["state"], answer["verdict"]["sentence"]) == (state, sentence)
    silent = "vitrine last sent metrics 50 s ago, and should every 10 s" in notes(answer)
    assert silent is (state == "silent")


def test_a_sender_may_have_only_gauges(health: Callable[..., Any]) -> None:
    points = [NumberDataPoint(time_unix_nano=at) for at in times(until=0)]
    metric = Metric(name="shop.temperature", gauge=Gauge(data_points=points))
    [sender] = health(metric, plan=False, service="shop")["arrival"]["senders"]
    assert (sender["service"], sender["interval_seconds"]) == ("shop", 10)


def test_a_condition_that_has_not_held_for_long_is_pending(health: Callable[..., Any]) -> None:
    metric = counter("vitrine.catalogue.documents", 0)
    newest = metric.sum.data_points.pop()
    del metric.sum.data_points[:]
    metric.sum.data_points.append(newest)
    answer = health(*alive(), requests(1200, 200), metric)

    assert states(answer) == {"catalogue-empty": "pending"}
    assert answer["verdict"]["sentence"] == "No alert fires yet; 1 pending: Catalogue empty"


@pytest.mark.parametrize(("overlap", "expected"), [(0.8, {}), (0.4, {"shadow-diverges": "firing"})])
def test_the_shadow_is_judged_by_the_sum_of_its_overlaps(
    health: Callable[..., Any], overlap: float, expected: dict[str, str]
) -> None:
    compared = counter("vitrine.shadow.comparisons", 120, 0, vitrine__shadow__version="2-0f0f0f0f")
    points = [
        HistogramDataPoint(
            start_time_unix_nano=each.start_time_unix_nano,
            time_unix_nano=each.time_unix_nano,
            count=each.as_int,
            sum=overlap * each.as_int,
            attributes=each.attributes,
        )
        for each in compared.sum.data_points
    ]
    data = Histogram(data_points=points, aggregation_temporality=AGGREGATION_TEMPORALITY_CUMULATIVE)
    overlaps = Metric(name="vitrine.shadow.overlap", histogram=data)

    assert states(health(*alive(), requests(1200, 200), compared, overlaps)) == expected


def test_the_first_half_minute_is_not_stale(health: Callable[..., Any]) -> None:
    """The minute before it, at which the subquery of that rule ends, has no sender yet."""
    metrics = [*alive(), requests(1200, 200), recommendations(1200, degraded=False)]
    for metric in metrics:
        data = metric.histogram if metric.HasField("histogram") else metric.sum
        del data.data_points[:-3]
    assert states(health(*metrics)) == {}


def test_another_service_has_neither_objectives_nor_alerts(
    health: Callable[..., Any], stored: StoredTelemetry
) -> None:
    stored.trace(1, NOW - MINUTE, root(service="shop"))
    answer = health(requests(1200, 200), service="shop")

    assert answer["alerts"] == answer["objectives"] == []
    assert answer["verdict"]["sentence"] == "900 requests, none failed"


def test_without_metrics_requests_are_counted_from_spans(
    health: Callable[..., Any], stored: StoredTelemetry
) -> None:
    for trace, code in enumerate((200, 404, 503), start=1):
        stored.trace(trace, NOW - MINUTE, root(has=served(code=code)))
    stored.logs([record("said", NOW - SECOND)])
    answer = health(plan=False)

    [service] = answer["services"]
    assert service["statuses"] == {"200": 1, "404": 1, "503": 1}
    assert {each["signal"]: each["age_seconds"] for each in answer["arrival"]["signals"]} == {
        "traces": 60, "logs": 1, "metrics": None
    }  # fmt: skip


def test_services_call_each_other(health: Callable[..., Any], stored: StoredTelemetry) -> None:
    call = {"server.address": "warehouse.local", "http.request.method": "GET"}
    stored.trace(
        1,
        NOW - MINUTE,
        root(service="shop"),
        Part(2, 1, "GET", kind=CLIENT, has=call, service="shop", length=5 * MS),
        root(3, parent=2, service="warehouse"),
        Part(4, 3, "SELECT", kind=CLIENT, has={"db.system.name": "sqlite"}, service="warehouse"),
    )
    found = {
        (each["source"], each["target"], each["kind"], each["p95"]) for each in health()["edges"]
    }
    assert found == {
        ("", "shop", "service", 10 * MS),
        ("shop", "warehouse", "service", 5 * MS),
        ("warehouse", "sqlite", "database", MS),
    }


def test_what_was_lost_and_refused(stored: StoredTelemetry, page_parts: Parts) -> None:
    stored.metrics([*alive(), counter("vitrine.telemetry.lost", 20)], service="vitrine")
    intake = cast("Any", SimpleNamespace(refused={"traces": 3}))
    client = TestClient(
        application(replace(page_parts, intake=intake), lambda: NOW), base_url="http://127.0.0.1"
    )
    answer = Page(client).get("health")

    assert answer["arrival"]["lost"] == {"vitrine": 15}
    assert "vitrine lost 15 spans, log records or exports" in notes(answer)
    assert "The observatory refused 3 records or messages of traces" in notes(answer)


def test_each_alert_has_a_section_in_the_runbook(page: Page) -> None:
    for alert in read().everything():
        section = page.get("runbook", section=alert.section)
        assert section["title"].lower().replace(" ", "-") == alert.section
        assert section["content"][0][0] == "p"
    assert page.problem("runbook", section="nothing")["status"] == 404
    assert page.problem("runbook")["status"] == 422
