"""With Wikipedia down, slow or wrong the answer is on time, and lists what is missing."""

import socket
import time
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.api.wire import RecommendResponse
from app.settings import WikipediaSettings
from tests.api.service import ids, recommended, serving, settings
from tests.fake_wikipedia import (
    Behaviour,
    FakeWikipedia,
    drips,
    drops,
    fails,
    finds,
    hangs,
    page,
    replies,
)
from tests.waiting import SOON, eventually

PATIENT = {"deadline_seconds": 60, "timeout_seconds": 60}

pytestmark = pytest.mark.anyio
FAILURES: dict[str, Behaviour] = {
    "hangs": hangs,
    "drips": drips,
    "drops": drops,
    "500": fails(500),
    "429": fails(429, "30"),
    "404": fails(404),
    "not JSON": replies(200, b"<html>"),
    "another shape": replies(200, b'{"pages": [{}]}'),
}


def asking(data: Path, url: str, **changes: Any) -> AbstractAsyncContextManager[httpx.AsyncClient]:
    """A client of a service that calls the fake Wikipedia."""
    wikipedia = WikipediaSettings(**({"base_url": url, "timeout_seconds": 60} | changes))
    return serving(settings(data, wikipedia=wikipedia))


async def ask(client: httpx.AsyncClient, text: str = "stale bread") -> RecommendResponse:
    started = time.monotonic()
    found = recommended(await client.get("/recommend", params={"q": text}))
    assert time.monotonic() - started < SOON
    return found


@pytest.mark.parametrize("behaviour", FAILURES.values(), ids=FAILURES.keys())
async def test_the_answer_comes_and_says_what_it_lacks(
    shelf_data: Path, shelf: httpx.AsyncClient, wikipedia: FakeWikipedia, behaviour: Behaviour
) -> None:
    wikipedia.behaviour = behaviour
    async with asking(shelf_data, wikipedia.url) as client:
        found = await ask(client)
        await eventually(lambda: wikipedia.calls >= 1)
    assert found.degraded == ["topic_signal"]
    assert ids(found) == ids(await ask(shelf))  # as a service without Wikipedia ranks


async def test_no_one_there(shelf_data: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    async with asking(shelf_data, f"http://127.0.0.1:{port}/") as client:
        found = await ask(client)
    assert found.degraded == ["topic_signal"]
    assert found.results


async def test_finding_no_pages_is_an_answer_too(
    shelf_data: Path, wikipedia: FakeWikipedia
) -> None:
    wikipedia.behaviour = finds()
    async with asking(shelf_data, wikipedia.url, deadline_seconds=60) as client:
        found = await ask(client)
    assert found.degraded == []
    assert found.results


async def test_pages_give_every_document_its_own_signal(
    shelf_data: Path, wikipedia: FakeWikipedia
) -> None:
    wikipedia.behaviour = finds(page("Staling", "Bread going stale"), page("Sourdough"))
    async with asking(shelf_data, wikipedia.url, deadline_seconds=60) as client:
        found = await ask(client)
    assert found.degraded == []
    reasons = {each.document.id: each.reasons for each in found.results}
    first, second = reasons["staling"], reasons["sourdough"]
    assert first is not None
    assert second is not None
    assert (first.topic_page, second.topic_page) == ("Staling", "Sourdough")
    assert first.scores.topic == 1  # the same title, on the first page
    assert 0 < second.scores.topic < 1
    assert "“Staling”" in first.summary
    others = [each for name, each in reasons.items() if name not in ("staling", "sourdough")]
    assert all(each and each.scores.topic < first.scores.topic for each in others)


async def test_what_was_missing_once_is_there_when_it_came(
    shelf_data: Path, wikipedia: FakeWikipedia
) -> None:
    wikipedia.behaviour = wikipedia.held(finds("Staling"))
    async with asking(shelf_data, wikipedia.url, deadline_seconds=0.05) as client:
        assert (await ask(client)).degraded == ["topic_signal"]
        wikipedia.release()
        await eventually(lambda: wikipedia.under_way == 0)
        for _ in range(100):
            if not (found := await ask(client)).degraded:
                break
        assert found.degraded == []
        assert found.results[0].reasons
        assert found.results[0].reasons.topic_page == "Staling"
    assert wikipedia.calls == 1


async def test_the_breaker_opens_and_closes_again(
    shelf_data: Path, wikipedia: FakeWikipedia
) -> None:
    wikipedia.behaviour = fails(500)
    async with asking(
        shelf_data, wikipedia.url, attempts=1, breaker_failures=3, breaker_seconds=0.2, **PATIENT
    ) as client:
        for number in range(3):
            assert (await ask(client, f"failing {number}")).degraded == ["topic_signal"]
        assert (await client.get("/readyz")).json()["status"] == "degraded"
        wikipedia.behaviour = finds("Staling")
        for number in range(1000):
            found = await ask(client, f"question {number}")
            if not found.degraded:
                break
        assert found.degraded == []
        assert (await client.get("/readyz")).json()["status"] == "ready"


async def test_an_open_breaker_spares_wikipedia(shelf_data: Path, wikipedia: FakeWikipedia) -> None:
    wikipedia.behaviour = fails(500)
    async with asking(
        shelf_data, wikipedia.url, attempts=1, breaker_failures=2, breaker_seconds=3600, **PATIENT
    ) as client:
        for number in range(10):
            assert (await ask(client, f"question {number}")).degraded == ["topic_signal"]
        readiness = await client.get("/readyz")
    assert wikipedia.calls == 2
    assert readiness.status_code == 200
    assert readiness.json()["parts"]["topic_signal"] == "circuit opened"


async def test_similar_documents_need_no_wikipedia(
    shelf_data: Path, wikipedia: FakeWikipedia
) -> None:
    wikipedia.behaviour = hangs
    async with asking(shelf_data, wikipedia.url) as client:
        found = recommended(await client.get("/documents/staling/similar"))
    assert found.degraded == []
    assert wikipedia.calls == 0
