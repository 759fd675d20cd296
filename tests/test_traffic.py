"""Simulated users: when they arrive, and what they send to a service."""

import asyncio
from collections import Counter
from itertools import pairwise
from random import Random

import httpx
import pytest

from benchmarks.traffic import PROFILES, SWING, Traffic, arguments, arrivals, run

DAY = 100.0


def test_arrivals_follow_the_time_of_day_and_the_seed() -> None:
    """A Poisson process: as many as the rate asks for, more by day than by night."""
    times = list(arrivals(Random(1), 20, 10 * DAY, DAY))
    assert times == list(arrivals(Random(1), 20, 10 * DAY, DAY))
    assert times != list(arrivals(Random(2), 20, 10 * DAY, DAY))
    assert len(times) == pytest.approx(20 * 10 * DAY, rel=0.05)
    day = sum(each % DAY < DAY / 2 for each in times)
    assert day / (len(times) - day) == pytest.approx(
        (1 + SWING * 0.64) / (1 - SWING * 0.64), rel=0.1
    )
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert min(gaps) >= 0
    flat = list(arrivals(Random(1), 20, 10 * DAY, 0))
    assert sum(each % DAY < DAY / 2 for each in flat) / len(flat) == pytest.approx(0.5, abs=0.03)


class Service:
    """Answers like the service, after `seconds`; counts what was requested."""

    def __init__(self, seconds: float = 0) -> None:
        self.seconds, self.paths, self.clients = seconds, Counter[str](), Counter[str]()
        self.queries: list[str] = []

    async def answer(self, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(self.seconds)
        self.paths[request.url.path.split("/")[1]] += 1
        self.clients[request.headers["x-forwarded-for"]] += 1
        if request.url.path == "/recommend":
            self.queries.append(httpx.Response(200, content=request.content).json()["query"])
        found = [{"document": {"id": f"document-{each}"}} for each in range(10)]
        return httpx.Response(200, json={"recommendation_id": "0" * 32, "results": found})


async def sent(service: Service, *given: str) -> Counter[str]:
    transport = httpx.MockTransport(service.answer)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        return await run(arguments([*given, "--day", "0"]), client)


@pytest.fixture
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.traffic.PAUSE_SECONDS", 0.001)


@pytest.mark.lasting
@pytest.mark.usefixtures("_hurried")
def test_users_search_click_and_browse() -> None:
    service = Service()
    outcomes = asyncio.run(sent(service, "--rate", "400", "--seconds", "0.5"))
    assert {"200"} <= outcomes.keys() <= {"200", "unfinished"}
    assert {"recommend", "feedback"} <= service.paths.keys() <= {
        "recommend", "feedback", "documents", "categories",
    }  # fmt: skip
    assert len(service.clients) > 10


@pytest.mark.usefixtures("_hurried")
def test_a_slow_service_does_not_slow_arrivals_down(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit of users they are dropped, and counted."""
    monkeypatch.setattr("benchmarks.traffic.MAX_USERS", 5)
    outcomes = asyncio.run(sent(Service(seconds=60), "--rate", "400", "--seconds", "0.5"))
    assert outcomes["dropped"] > 5
    assert outcomes["unfinished"] == 5


@pytest.mark.lasting
@pytest.mark.parametrize("name", PROFILES)
def test_profiles(name: str) -> None:
    service = Service()
    asyncio.run(sent(service, "--rate", "20", "--seconds", "1", "--profile", name))
    most, length = service.clients.most_common(1)[0][1], max(map(len, service.queries))
    shown = {
        "hot-client": most > 40,
        "long-queries": 400 < length <= 500,
        "unknown-words": len(set(service.queries)) > 20,
        "bots": sum(each.startswith("198.51.100.") for each in service.clients) >= 15,
    }
    assert shown[name]


def test_errors_are_counted_by_their_class() -> None:
    def refuse(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    async def ask() -> Counter[str]:
        async with httpx.AsyncClient(
            transport=httpx.MockTransport(refuse), base_url="http://service"
        ) as client:
            traffic = Traffic(client)
            assert await traffic.send("GET", "/categories", "10.0.0.1") is None
            return traffic.outcomes

    assert asyncio.run(ask()) == {"ConnectError": 1}
