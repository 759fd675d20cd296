"""What there is to filter by."""

import pytest

from tests.observatory.page_client import Page
from tests.observatory.stored_telemetry import (
    HOUR,
    NOW,
    RECENT,
    SERVER,
    Part,
    StoredTelemetry,
    root,
    served,
)


def test_nothing(page: Page) -> None:
    assert page.get("facets") == {"services": [], "routes": [], "keys": []}
    assert page.get("facets/values", key="http.route") == {"values": []}


def test_most_used_first(page: Page, stored: StoredTelemetry) -> None:
    for number in (1, 2, 3):
        stored.trace(number, RECENT, root(), Part(2, 1, has={"inner": 1, "http.route": "/inside"}))
    stored.trace(4, RECENT, root(service="gateway", has={"a": 1}, name="warm up"))
    stored.trace(5, NOW - 2 * HOUR, root(service="old", has=served("/old")))
    facets = page.get("facets")
    assert facets["services"] == ["vitrine", "gateway"]
    assert facets["routes"] == ["/recommend", "warm up"]
    assert facets["keys"] == [
        "http.route",
        "http.request.method",
        "http.response.status_code",
        "inner",
        "a",
    ]
    assert page.get("facets", last=3 * 3600)["services"] == ["vitrine", "gateway", "old"]


def test_values(page: Page, stored: StoredTelemetry) -> None:
    for number, code in enumerate((200, 200, 200, 404, 500), start=1):
        stored.trace(number, RECENT, root(has=served(code=code), resource={"host.name": "one"}))
    stored.trace(9, RECENT, Part(1, name="other", kind=SERVER, has={"empty": ""}))

    def values(key: str) -> dict[str, int]:
        found = page.get("facets/values", key=key)["values"]
        return {each["value"]: each["count"] for each in found}

    assert values("http.response.status_code") == {"200": 3, "404": 1, "500": 1}
    assert values("resource.host.name") == {"one": 5}
    assert values("name") == {"GET /recommend": 5, "other": 1}
    assert values("empty") == {"": 1}
    assert values("host.name") == values("resource.nothing") == {}


def test_no_more_than_fifty(page: Page, stored: StoredTelemetry) -> None:
    parts = [Part(n, 1, has={"n": f"{n:03}", "twice": n // 2}) for n in range(2, 102)]
    stored.trace(1, RECENT, root(), *parts)
    found = page.get("facets/values", key="n")["values"]
    assert [each["value"] for each in found] == [f"{n:03}" for n in range(2, 52)]
    assert {each["count"] for each in page.get("facets/values", key="twice")["values"]} == {2}


@pytest.mark.lasting
def test_more_different_values_than_memory_holds(page: Page, stored: StoredTelemetry) -> None:
    """Then the frequent ones are listed, with counts that are lower bounds."""
    stored.engine.run(
        "INSERT INTO otel.otel_traces (Timestamp, TraceId, SpanId, SpanAttributes) "
        "SELECT fromUnixTimestamp64Nano({at:Int64}), '1', '1', map('a', if(number % 10 = 0, "
        "'frequent', concat(toString(number), repeat('x', 4000)))) FROM numbers(60000) "
        "SETTINGS max_block_size = 4000",
        at=RECENT,
    )
    first, *_ = page.get("facets/values", key="a")["values"]
    assert first["value"] == "frequent"
    assert 5000 <= first["count"] <= 6000


@pytest.mark.parametrize("given", [{}, {"key": ""}])
def test_values_of_nothing(page: Page, given: dict[str, str]) -> None:
    problem = page.problem("facets/values", **given)
    assert (problem["status"], problem["detail"]) == (
        422,
        "key: is required; /api/facets lists the keys",
    )
