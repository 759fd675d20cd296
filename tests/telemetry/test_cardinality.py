"""The number of series is independent of users and queries."""

import json
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from app.telemetry import vocabulary as v
from app.telemetry.kit import vocabulary as kit_names
from tests.telemetry.direct_requests import Asked, Driven
from tests.waiting import eventually

MANY, FIRST = 200, 50
LAG = (str(v.CORE.loop_lag), frozenset[tuple[str, object]]())


@pytest.fixture
async def driven(shelf_data: Path) -> AsyncIterator[Driven]:
    async with Driven(shelf_data).running() as service:
        yield service


def questions(number: int) -> Iterator[Asked]:
    """Of a person of their own."""
    text, user = f"bread {number}", f"user-{number}"
    if number % 2:
        yield Asked("GET", "/recommend", f"q=bread+{number}&user_id={user}&limit=1")
    else:
        asked = {"query": text, "user_id": user, "categories": [], "limit": 1, "explain": False}
        yield Asked("POST", "/recommend", body=json.dumps(asked).encode())


def paths(number: int) -> Iterator[Asked]:
    """Most of them lead nowhere."""
    ways = (
        Asked("GET", f"/nowhere/{number}", f"q={number}"),
        Asked(f"FOO{number}", f"/{number}"),
        Asked(f"BAR{number}", "/recommend", f"{number}={number}"),
        Asked("GET", f"/documents/d{number}"),
        Asked("GET", f"/documents/d{number}/similar"),
        Asked("GET", f"/documents/-{number}"),
        Asked("GET", "/documents", f"after=d{number}"),
        Asked("GET", "/documents", f"category=c{number}"),
        Asked("PUT", f"/documents/d{number}"),
        Asked("POST", "/recommend", body=f'{{"query{number}": {number}}}'.encode()),
        Asked("POST", "/feedback", body=json.dumps(feedback(number)).encode()),
    )
    yield ways[number % len(ways)]


def feedback(number: int) -> dict[str, Any]:
    return {"recommendation_id": f"{number:032x}", "document_id": f"d{number}", "kind": "click"}


async def drive(
    service: Driven, requests: Callable[[int], Iterable[Asked]], numbers: range
) -> set[int]:
    """The statuses that came."""
    asked = [(each, number) for number in numbers for each in requests(number)]
    return {await service.ask(*each) for each in asked}


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("requests", "statuses"),
    [(questions, {200}), (paths, {200, 401, 404, 405, 422})],
    ids=["users and queries", "paths, methods and hosts"],
)
async def test_no_request_adds_a_series(
    driven: Driven, requests: Callable[[int], Iterable[Asked]], statuses: set[int]
) -> None:
    assert await drive(driven, requests, range(FIRST)) == statuses
    await eventually(lambda: LAG in driven.series())
    names, series = driven.span_names(), driven.series()
    assert await drive(driven, requests, range(FIRST, MANY)) == statuses
    assert driven.series() == series
    assert driven.span_names() == names
    assert any(name == kit_names.SERVER_DURATION for name, _ in series)
