"""Limits for one client, and for all together."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.api.rate_limit import RateLimit
from app.settings import WikipediaSettings
from tests.api.service import (
    JSON,
    WRITER,
    client_of,
    problem,
    recommended,
    serving,
    settings,
    started,
)
from tests.fake_wikipedia import FakeWikipedia, finds
from tests.waiting import TIMEOUT, eventually

pytestmark = pytest.mark.anyio
QUESTION = {"q": "bread"}
NDJSON = {"Content-Type": "application/x-ndjson"}


class Clock:
    """A clock that the test advances."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_is_let_in_then_a_steady_rate() -> None:
    clock = Clock()
    limit = RateLimit(per_second=2, burst=3, clock=clock)
    assert [limit.wait("a") for _ in range(3)] == [0, 0, 0]
    assert limit.wait("a") == pytest.approx(0.5)
    assert limit.wait("b") == 0
    clock.now += 0.5
    assert limit.wait("a") == 0
    assert limit.wait("a") > 0
    clock.now += 60
    assert [limit.wait("a") == 0 for _ in range(4)] == [True, True, True, False]


async def test_a_client_that_asks_too_much_is_asked_to_wait(shelf_data: Path) -> None:
    slow = settings(shelf_data, limits={"requests_per_second": 0.001, "burst": 3})
    async with started(slow) as service, client_of(service) as client:
        answers = [await client.get("/recommend", params=QUESTION) for _ in range(4)]
        assert [each.status_code for each in answers] == [200, 200, 200, 429]
        assert "0.001 requests a second" in problem(answers[3], 429).detail
        assert 1 <= int(answers[3].headers["retry-after"]) <= 1000
        for path in ("/livez", "/readyz", "/version"):
            assert (await client.get(path)).status_code == 200
        async with client_of(service, "10.1.2.3") as other:
            recommended(await other.get("/recommend", params=QUESTION))


async def test_when_too_much_is_under_way_it_says_so(
    shelf_data: Path, wikipedia: FakeWikipedia
) -> None:
    wikipedia.behaviour = wikipedia.held(finds("Bread"))
    patient = WikipediaSettings(
        base_url=wikipedia.url, deadline_seconds=TIMEOUT, timeout_seconds=TIMEOUT
    )
    narrow = settings(shelf_data, limits={"in_flight": 2}, wikipedia=patient)
    async with serving(narrow) as client, asyncio.TaskGroup() as tasks:
        held = [
            tasks.create_task(client.get("/recommend", params={"q": text}))
            for text in ("bread", "tide")
        ]
        await eventually(lambda: wikipedia.calls == 2)
        refused = await client.get("/documents")
        problem(refused, 503)
        assert refused.headers["retry-after"] == "1"
        assert (await client.get("/livez")).status_code == 200
        assert (await client.get("/readyz")).status_code == 200
        wikipedia.release()
        for each in held:
            recommended(await each)
        assert (await client.get("/documents")).status_code == 200


async def in_pieces(body: bytes) -> AsyncIterator[bytes]:
    """A body of undeclared length."""
    for start in range(0, len(body), 1000):
        yield body[start : start + 1000]


@pytest.mark.parametrize("declared", [True, False], ids=["Content-Length", "chunked"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/recommend"),
        ("POST", "/feedback"),
        ("PUT", "/documents/x"),
        ("POST", "/documents"),
    ],
)
async def test_a_body_that_is_too_large_is_refused(
    shelf_data: Path, method: str, path: str, declared: bool
) -> None:
    small = settings(shelf_data, limits={"body_bytes": 5000, "import_bytes": 5000})
    kind = NDJSON if path == "/documents" else JSON
    body = b'{"query": "bread"}' + b" " * 5000
    async with serving(small) as client:
        answer = await client.request(
            method, path, content=body if declared else in_pieces(body), headers=WRITER | kind
        )
        assert "5000 bytes" in problem(answer, 413).detail
        assert (await client.get("/recommend", params=QUESTION)).status_code == 200


@pytest.mark.parametrize("declared", [True, False], ids=["Content-Length", "chunked"])
async def test_a_body_of_just_the_right_size_is_taken(shelf_data: Path, declared: bool) -> None:
    body = b'{"query": "bread"}'.ljust(5000)
    async with serving(settings(shelf_data, limits={"body_bytes": 5000})) as client:
        content = body if declared else in_pieces(body)
        recommended(await client.post("/recommend", content=content, headers=JSON))


async def test_an_import_that_is_too_large_leaves_nothing_behind(shelf_data: Path) -> None:
    """Neither documents nor the file it went to: an open one would be a ResourceWarning."""
    line = b'{"id": "x", "title": "T", "text": "' + b"t" * 10_000 + b'"}\n'
    async with serving(settings(shelf_data, limits={"import_bytes": 2_000_000})) as client:
        content = in_pieces(line * 250)
        problem(await client.post("/documents", content=content, headers=WRITER | NDJSON), 413)
        problem(await client.get("/documents/x"), 404)
