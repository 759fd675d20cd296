"""The list of traces: what is shown of each, and which filters let through."""

from typing import Any

import pytest

from tests.observatory.page_client import Page
from tests.observatory.stored_telemetry import (
    CLIENT,
    ERROR,
    HOUR,
    MINUTE,
    MS,
    NOW,
    RECENT,
    SECOND,
    SERVER,
    Part,
    StoredTelemetry,
    root,
    served,
    trace_id,
)


def test_an_empty_store(page: Page) -> None:
    assert page.get("traces") == {"traces": [], "more": False, "next": None}


def test_what_is_shown_of_a_trace(page: Page, stored: StoredTelemetry) -> None:
    degraded = served("/recommend", 200, "POST", vitrine__ranking__degraded=True)
    stored.trace(
        1,
        RECENT,
        root(
            name="POST /recommend",
            has=degraded,
            length=25 * MS,
            resource={"service.instance.id": "a"},
        ),
        Part(2, 1, "fetch topic signal", status=ERROR),
        Part(3, 2, "GET", service="wikipedia", kind=SERVER, status=ERROR),
    )
    assert page.get("traces")["traces"] == [
        {
            "trace_id": trace_id(1),
            "time": str(RECENT),
            "service": "vitrine",
            "instance": "a",
            "name": "POST /recommend",
            "route": "/recommend",
            "method": "POST",
            "status": "ok",
            "http_status": 200,
            "degraded": True,
            "duration": 25 * MS,
            "spans": 3,
            "errors": 2,
            "services": ["vitrine", "wikipedia"],
            "rootless": False,
        }
    ]


def test_what_is_shown_where_little_is_known(page: Page, stored: StoredTelemetry) -> None:
    stored.trace(1, RECENT, Part(1, name="warm up", length=0, service=""))
    [view] = page.get("traces")["traces"]
    assert (view["route"], view["method"], view["http_status"]) == ("warm up", None, None)
    assert (view["service"], view["services"]) == ("", [""])
    assert (view["status"], view["degraded"]) == ("ok", False)


@pytest.mark.parametrize("code", ["-1", "70000", "teapot", "2e2", ""])
def test_a_status_that_is_none(page: Page, stored: StoredTelemetry, code: str) -> None:
    stored.trace(1, RECENT, root(has={"http.response.status_code": code}))
    assert page.get("traces")["traces"][0]["http_status"] is None


def test_newest_first(page: Page, stored: StoredTelemetry) -> None:
    for number, ago in ((1, 3), (2, 1), (3, 2)):
        stored.trace(number, NOW - ago * SECOND, root())
    assert page.ids() == [2, 3, 1]


def test_slowest_first(page: Page, stored: StoredTelemetry) -> None:
    for number, length in ((1, 3), (2, 1), (3, 3), (4, 2)):
        stored.trace(number, NOW - number * SECOND, root(length=length * MS))
    stored.trace(5, RECENT, Part(2, 1, length=9 * MS))  # how long its trace took is unknown

    assert page.ids(sort="duration") == [3, 1, 4, 2]
    assert page.ids(sort="duration", min_ms=2, max_ms=2) == [4]
    pages = list(page.pages("traces", "traces", sort="duration", limit=1))
    assert [int(each["trace_id"], 16) for [each] in pages] == [3, 1, 4, 2]
    assert page.problem("traces", sort="size")["status"] == 422


def test_without_its_root_a_trace_is_shown_by_its_first_span(
    page: Page, stored: StoredTelemetry
) -> None:
    stored.trace(
        1, RECENT, Part(3, 2, "later", start=MS), Part(2, 9, "first", kind=CLIENT, length=7 * MS)
    )
    [view] = page.get("traces")["traces"]
    assert (view["name"], view["rootless"], view["spans"]) == ("first", True, 2)
    assert (view["time"], view["duration"]) == (str(RECENT), 7 * MS)


def test_a_span_that_begins_before_its_root(page: Page, stored: StoredTelemetry) -> None:
    stored.trace(1, RECENT, root(), Part(2, 1, start=-3 * SECOND, service="ahead"))
    [view] = page.get("traces")["traces"]
    assert (view["name"], view["time"]) == ("GET /recommend", str(RECENT))


def test_of_several_roots_the_first_is_shown(page: Page, stored: StoredTelemetry) -> None:
    stored.trace(1, RECENT, root(1, name="second", start=5 * SECOND), root(2, name="first"))
    [view] = page.get("traces")["traces"]
    assert (view["name"], view["spans"], view["time"]) == ("first", 2, str(RECENT))
    assert page.ids(route="/recommend", min_ms=1) == [1]


def test_a_root_far_from_its_spans(page: Page, stored: StoredTelemetry) -> None:
    """Hours apart, and sent apart: one trace, which begins with its root."""
    stored.trace(1, NOW - 5 * HOUR, root(length=5 * HOUR))
    stored.trace(1, RECENT, Part(2, 1, "late"))
    assert page.ids() == []
    [view] = page.get("traces", last=6 * 3600)["traces"]
    assert (view["name"], view["spans"], view["rootless"]) == ("GET /recommend", 2, False)


def test_a_span_that_was_sent_twice_counts_once(page: Page, stored: StoredTelemetry) -> None:
    for _ in range(2):
        stored.trace(1, RECENT, root(status=ERROR), Part(2, 1))
    [view] = page.get("traces")["traces"]
    assert (view["spans"], view["errors"]) == (2, 1)


def test_only_what_begins_in_the_range(page: Page, stored: StoredTelemetry) -> None:
    for number in range(5):
        stored.trace(number + 1, NOW - (number + 1) * MINUTE, root())
    now = NOW // MS
    assert page.ids(last=150) == [1, 2]
    assert page.ids(from_=now - 3 * 60_000, to=now - 60_000) == [2, 3]
    assert page.ids(to=now - 60_000, last=120) == [2, 3]
    assert page.ids(from_=now - 180_000) == [1, 2, 3]
    assert page.ids(to=now - 4 * 60_000) == [5]


@pytest.fixture
def varied(stored: StoredTelemetry) -> None:
    """1: ok; 2: failed; 3: degraded; 4: of two services, another route; 5: without its root."""
    of = {"service.instance.id": "b", "host.name": "two"}
    stored.trace(1, NOW - 5 * SECOND, root(length=10 * MS), Part(2, 1, "rank candidates"))
    stored.trace(2, NOW - 4 * SECOND, root(length=20 * MS, status=ERROR, has=served(code=500)))
    missing = served(vitrine__ranking__degraded=True, vitrine__ranking__missing=["topic_signal"])
    stored.trace(3, NOW - 3 * SECOND, root(length=30 * MS, has=missing))
    stored.trace(
        4,
        NOW - 2 * SECOND,
        root(length=40 * MS, has=served("/feedback"), service="gateway"),
        Part(2, 1, "SELECT", has={"db.query.text": "SELECT A FROM Words"}, resource=of),
    )
    stored.trace(5, NOW - SECOND, Part(2, 1, "GET", length=50 * MS, has={"http.route": "/alone"}))


FILTERS: list[tuple[dict[str, Any], list[int]]] = [
    ({}, [5, 4, 3, 2, 1]),
    ({"service": "gateway"}, [4]),
    ({"service": "vitrine"}, [5, 4, 3, 2, 1]),  # 4 passes through it
    ({"service": "vitrine", "route": "/feedback"}, [4]),
    ({"service": "vitrin"}, []),
    ({"route": "/recommend"}, [3, 2, 1]),
    ({"route": "/alone"}, [5]),
    ({"status": "ok"}, [5, 4, 1]),
    ({"status": "error"}, [2]),
    ({"status": "degraded"}, [3]),
    ({"min_ms": 20}, [5, 4, 3, 2]),
    ({"max_ms": 20}, [2, 1]),
    ({"min_ms": "20.000001", "max_ms": 40}, [4, 3]),
    ({"attr": "http.response.status_code=500"}, [2]),
    ({"attr": "http.response.status_code!=200"}, [2]),
    ({"attr": "http.response.status_code=50"}, []),
    ({"attr": "http.route"}, [5, 4, 3, 2, 1]),
    ({"attr": "vitrine.ranking.degraded"}, [3]),
    ({"attr": "vitrine.ranking.missing~TOPIC"}, [3]),
    ({"attr": "db.query.text~from words"}, [4]),
    ({"attr": "db.query.text~%"}, []),
    ({"attr": "name=rank candidates"}, [1]),
    ({"attr": "name~RANK"}, [1]),
    ({"attr": "name!=GET /recommend"}, [5, 4, 1]),
    ({"attr": "resource.host.name=two"}, [4]),
    ({"attr": "resource.host.name"}, [4]),
    ({"attr": "resource.service.name=gateway"}, [4]),
    ({"attr": ["name=SELECT", "http.route=/feedback"]}, [4]),
    ({"attr": ["name=SELECT", "http.route=/recommend"]}, []),
    ({"attr": "http.route=/recommend", "status": "error", "min_ms": 1}, [2]),
    ({"attr": "nothing=", "service": ""}, []),
    ({"service": "", "route": "", "attr": ""}, [5, 4, 3, 2, 1]),
]


@pytest.mark.usefixtures("varied")
@pytest.mark.lasting
def test_filters(page: Page, subtests: pytest.Subtests) -> None:
    for given, expected in FILTERS:
        with subtests.test(str(given)):
            assert page.ids(**given) == expected
