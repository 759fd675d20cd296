"""The list of log records."""

from typing import Any

import pytest

from tests.observatory.page_client import Page
from tests.observatory.stored_telemetry import (
    HOUR,
    NOW,
    RECENT,
    SECOND,
    StoredTelemetry,
    record,
    span_id,
    trace_id,
)


def bodies(page: Page, **parameters: Any) -> list[str]:
    return [each["body"] for each in page.get("logs", **parameters)["logs"]]


def test_nothing(page: Page) -> None:
    assert page.get("logs") == {"logs": [], "more": False, "next": None}


def test_all_of_a_record(page: Page, stored: StoredTelemetry) -> None:
    one = record("output", RECENT, trace=1, span=2, level="WARN", vitrine__cache__outcome="miss")
    one.event_name = "recommendation.served"
    stored.logs([one], **{"host.name": "one"})
    assert page.get("logs")["logs"] == [
        {
            "time": str(RECENT),
            "trace_id": trace_id(1),
            "span_id": span_id(2),
            "service": "vitrine",
            "severity": "WARN",
            "severity_number": 13,
            "body": "output",
            "event": "recommendation.served",
            "attributes": {"vitrine.cache.outcome": "miss"},
            "resource": {"service.name": "vitrine", "host.name": "one"},
        }
    ]


@pytest.fixture
def varied(stored: StoredTelemetry) -> None:
    stored.logs(
        [
            record("Cache was EMPTY; asked Wikipedia", NOW - 5 * SECOND, level="DEBUG"),
            record("asked again", NOW - 4 * SECOND, trace=1, retry=1),
            record("ÄRGER with the cache", NOW - 3 * SECOND, level="WARN", trace=1),
            record("100 % broken_ \\d+ (x)", NOW - 2 * SECOND, level="ERROR", retry=2),
        ]
    )
    stored.logs([record("of another", NOW - SECOND)], **{"service.name": "other", "host.name": "h"})


EVERYTHING = ["of another", "100", "ÄRGER", "asked again", "Cache"]
FILTERS: list[tuple[dict[str, Any], list[str]]] = [
    ({}, EVERYTHING),
    ({"q": "cache"}, ["ÄRGER", "Cache"]),
    ({"q": "wikipedia empty"}, ["Cache"]),
    ({"q": "ärger"}, ["ÄRGER"]),
    ({"q": "100 %"}, ["100"]),
    ({"q": "%"}, ["100"]),
    ({"q": "_"}, ["100"]),
    ({"q": "\\d"}, ["100"]),
    ({"q": "(x)"}, ["100"]),
    ({"q": "   "}, EVERYTHING),
    ({"severity": "debug"}, EVERYTHING),
    ({"severity": "info"}, EVERYTHING[:-1]),
    ({"severity": "warn"}, ["100", "ÄRGER"]),
    ({"severity": "error"}, ["100"]),
    ({"service": "other"}, ["of another"]),
    ({"trace_id": trace_id(1)}, ["ÄRGER", "asked again"]),
    ({"trace_id": trace_id(1).upper(), "severity": "warn"}, ["ÄRGER"]),
    ({"attr": "retry"}, ["100", "asked again"]),
    ({"attr": "retry!=1"}, ["100"]),
    ({"attr": "resource.host.name=h"}, ["of another"]),
    ({"attr": ["retry~2", "resource.service.name=vitrine"]}, ["100"]),
    ({"attr": "name"}, []),
]


@pytest.mark.usefixtures("varied")
@pytest.mark.parametrize(("given", "expected"), FILTERS)
def test_filters(page: Page, given: dict[str, Any], expected: list[str]) -> None:
    found = bodies(page, **given)
    assert len(found) == len(expected)
    assert all(body.startswith(begins) for body, begins in zip(found, expected, strict=True))


def test_an_attribute_may_be_called_name(page: Page, stored: StoredTelemetry) -> None:
    stored.logs([record("a", RECENT, name="x"), record("b", RECENT)])
    assert bodies(page, attr="name=x") == ["a"]


def test_all_records_of_a_trace_are_meant_where_no_time_is_given(
    page: Page, stored: StoredTelemetry
) -> None:
    stored.logs([record("old", NOW - 30 * HOUR, trace=1), record("new", RECENT, trace=1)])
    assert bodies(page, trace_id=trace_id(1)) == ["new", "old"]
    assert bodies(page, trace_id=trace_id(1), last=3600) == ["new"]
    assert bodies(page) == ["new"]


@pytest.mark.parametrize(
    ("given", "output"),
    [
        ({"severity": "fatal"}, "severity: must be one of debug, info, warn, error"),
        ({"trace_id": "abc"}, "trace id: must be 32 hexadecimal digits"),
        ({"q": " ".join("abcdefghijk")}, "q: may have at most 10 words"),
        ({"before": "yesterday"}, "before: must be the `next` of the previous page"),
        ({"before": "1.2.3"}, "before: must be the `next` of the previous page"),
        ({"before": str(2**63)}, "before: must be the `next` of the previous page"),
        ({"limit": 501}, "limit: must be a whole number from 1 to 500"),
        ({"route": "/x"}, "route: is unknown; use from, to, last, q, severity"),
    ],
)
def test_bad_input(page: Page, given: dict[str, Any], output: str) -> None:
    problem = page.problem("logs", **given)
    assert problem["status"] == 422
    assert problem["detail"].startswith(output)
