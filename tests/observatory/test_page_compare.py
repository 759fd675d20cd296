"""The heat map, groups and time spent of the Compare page."""

from typing import Any

import pytest

from tests.observatory.page_client import Page
from tests.observatory.stored_telemetry import (
    MINUTE,
    MS,
    NOW,
    RECENT,
    SECOND,
    StoredTelemetry,
    root,
)

REQUESTS = f"""
INSERT INTO otel.otel_traces (
    Timestamp, TraceId, SpanId, ParentSpanId, SpanName, SpanKind, ServiceName, ResourceAttributes,
    SpanAttributes, Duration, StatusCode
)
SELECT fromUnixTimestamp64Nano({RECENT} + number * {MS} + span.5),
    leftPad(lower(hex(number + 1)), 32, '0'), span.1, span.2, span.3, span.4, 'vitrine',
    map('service.name', 'vitrine'), span.8, span.6, span.7
FROM (SELECT number, number >= 196 AS slow, if(slow, 400, 20 + number % 10) * {MS} AS length
    FROM numbers(200))
ARRAY JOIN [
    ('01', '', 'GET /recommend', 'Server', toInt64(0), toInt64(length),
        if(number % 10 = 0, 'Error', 'Unset'),
        map('http.route', '/recommend', 'app.tenant', concat('t', toString(number % 2)),
            'http.response.status_code', if(number % 20 = 1, '429', '200'))),
    ('02', '01', 'stage', 'Internal', toInt64({MS}), toInt64(length - 2 * {MS}), 'Unset',
        map('a', 'b')),
    ('03', '02', 'call', 'Client', toInt64(2 * {MS}),
        toInt64(if(slow, length - 4 * {MS}, 4 * {MS})), 'Unset', map('a', 'b'))
] AS span
"""


@pytest.fixture
def requests(stored: StoredTelemetry) -> None:
    """Of 200 requests of two tenants the last four are slow, in a call within a stage."""
    stored.engine.run(REQUESTS)


def cells(page: Page, **given: Any) -> list[list[int]]:
    found: list[list[int]] = page.get("heatmap", **given)["cells"]
    return found


@pytest.mark.usefixtures("requests")
def test_heat_map(page: Page) -> None:
    found = page.get("heatmap")
    times, bounds, step = found["times"], found["bounds"], found["step"]
    assert step == 60
    assert (found["from"], found["to"]) == ((NOW - 60 * MINUTE) // MS, NOW // MS)
    for column, row, _, _ in found["cells"]:
        assert times[column] * SECOND <= RECENT + SECOND < (times[column] + step) * SECOND
        assert 0 <= row < len(bounds) - 1
    assert sum(cell[2] for cell in found["cells"]) == 200
    assert sum(cell[3] for cell in found["cells"]) == 20
    slowest = found["cells"][-1]
    assert slowest[2] == 4
    assert bounds[slowest[1]] <= 400 <= bounds[slowest[1] + 1]
    assert sum(cell[2] for cell in cells(page, min_ms=100)) == 4
    assert sum(cell[2] for cell in cells(page, attr="app.tenant=t1", status="error")) == 0


def test_heat_map_of_nothing_and_of_a_wide_range(page: Page, stored: StoredTelemetry) -> None:
    assert page.get("heatmap") | {"times": []} == page.get("heatmap") | {"times": [], "bounds": []}
    stored.trace(1, RECENT, root(length=1))
    stored.trace(2, RECENT, root(length=3600 * SECOND))
    found = page.get("heatmap", last=7 * 86_400)
    assert len(found["bounds"]) <= 41
    assert len(found["times"]) <= 90
    assert [cell[1] for cell in found["cells"]] == [0, len(found["bounds"]) - 2]


@pytest.mark.usefixtures("requests")
def test_groups(page: Page) -> None:
    found = page.get("groups", by="app.tenant")
    assert found["more"] is False
    first, second = found["groups"]
    assert (first["value"], first["requests"], first["errors"], first["refused"]) == (
        "t0", 100, 20, 0,
    )  # fmt: skip
    assert (second["value"], second["refused"]) == ("t1", 10)
    assert first["rate"] == pytest.approx(100 / 3600)
    assert 20 <= first["p50"] <= first["p95"] <= 40
    assert int(first["slowest"], 16) == 199
    by_name = page.get("groups", by="name", min_ms=100)["groups"]
    assert [(each["value"], each["requests"]) for each in by_name] == [("GET /recommend", 4)]
    for key, value in (("route", "/recommend"), ("resource.service.name", "vitrine"), ("x", "")):
        assert [each["value"] for each in page.get("groups", by=key)["groups"]] == [value]
    assert page.problem("groups")["detail"].startswith("by: is required")


@pytest.mark.usefixtures("requests")
def test_time_spent(page: Page) -> None:
    found = page.get("time-spent")
    assert found["requests"] == 200
    assert found["traces"]["slow"] >= 1
    spent = {tuple(each["stack"]): each for each in found["stacks"]}
    call = spent["GET /recommend", "stage", "call"]
    assert call["usual"] == pytest.approx(4)
    assert call["slow"] > 100
    usual = sum(each["usual"] for each in spent.values())
    low, high = found["usual_ms"]
    assert low <= usual <= high


def test_time_spent_by_nothing(page: Page) -> None:
    found = page.get("time-spent")
    assert (found["traces"], found["stacks"]) == ({"slow": 0, "usual": 0}, [])


def test_time_spent_by_the_slowest_of_few(page: Page, stored: StoredTelemetry) -> None:
    for trace in range(1, 41):
        stored.trace(trace, RECENT, root(length=trace * MS + 3))
    stored.trace(41, RECENT, root(length=54_500_003))  # 54,500,004 in 24 bits
    found = page.get("time-spent")
    assert found["slow_ms"] == pytest.approx(54.500003, abs=1e-9)
    assert found["traces"]["slow"] == 1
