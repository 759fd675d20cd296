"""Simulated users whose arrivals do not wait for responses (an open loop), with a daily shape.

    python -m benchmarks.traffic [--rate 5] [--seconds 600] [--day 600] [--profile hot-client]

Users arrive at random (a Poisson process); a busy service does not slow them down. Each has a
session: searches, clicks on results, feedback, similar documents, now and then the list of
documents, and pauses to read. `--rate` is the mean number of requests per second; over one `--day`
(seconds) it swings between half of that and one and a half. They send the judged queries, some far
more often than others. The same seed gives the same users.

A profile adds traffic that breaks something, from `--from` to `--until` (seconds): see PROFILES.
Addresses of users are sent as X-Forwarded-For, which counts if VITRINE_SERVER__PROXIES names this
machine.
"""

import argparse
import asyncio
import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx

from app.model.judged import JudgedQuery, seed_queries

LOOKED_AT = 0.8
"""Probability that a user who looked at a result also looks at the next one."""
CLICKED = {0: 0.03, 1: 0.25, 2: 0.4, 3: 0.6}
"""Probability of a click on a result that was looked at, by its relevance grade."""
BEST = 3
LONGEST_MS = 90_000
REQUESTS_PER_SESSION = 5.0
"""Mean number of requests of a session, as its probabilities give it."""
SEARCHES = 3
PAUSE_SECONDS = 2.0
SWING = 0.5
TIMEOUT_SECONDS = 30.0
MAX_USERS = 2_000
"""Limit of concurrent users: if the service hangs, further arrivals are counted as dropped."""
QUERIES = sorted(seed_queries("tune") + seed_queries("test"), key=lambda query: query.id)
POPULARITY = [1 / rank for rank in range(1, len(QUERIES) + 1)]
UNKNOWN = "abcdefghijklmnopqrstuvwxyz"


@dataclass(slots=True)
class Traffic:
    """Sends requests and counts their outcomes: by status, or by the class of the error."""

    client: httpx.AsyncClient
    outcomes: Counter[str] = field(default_factory=Counter)

    async def send(self, method: str, path: str, user: str, **content: Any) -> Any:
        """The JSON of a response; None if there is none, or if it is an error."""
        headers = {"X-Forwarded-For": user}
        try:
            response = await self.client.request(method, path, headers=headers, **content)
        except httpx.HTTPError as error:
            self.outcomes[type(error).__name__] += 1
            return None
        except asyncio.CancelledError:
            self.outcomes["unfinished"] += 1
            raise
        self.outcomes[str(response.status_code)] += 1
        return response.json() if response.is_success and response.content else None


@dataclass(slots=True)
class Reader:
    """A user with a session. `ask` makes the text of a search."""

    traffic: Traffic
    random: Random
    address: str

    async def session(self) -> None:
        """Search, read, click, browse, and leave."""
        queries = self.random.sample(QUERIES, len(QUERIES))
        for _ in range(self.random.randint(1, SEARCHES)):
            [query] = self.random.choices(queries, POPULARITY)
            about = {"query": query.text, "limit": 10}
            found = await self.send("POST", "/recommend", json=about)
            if found:
                await self.read(query, found)
            await self.pause()
        if self.random.random() < 0.2:
            await self.send("GET", "/documents", params={"limit": 10})
        if self.random.random() < 0.1:
            await self.send("GET", "/categories")

    async def read(self, query: JudgedQuery, found: dict[str, Any]) -> None:
        """Look at results from the top; report clicks and dwell times; open similar ones."""
        for result in found["results"]:
            document = result["document"]["id"]
            grade = min(int(query.relevance.get(document, 0)), BEST)
            if self.random.random() < CLICKED[grade]:
                about = {"recommendation_id": found["recommendation_id"], "document_id": document}
                await self.send("POST", "/feedback", json=about | {"kind": "click"})
                stayed = int(self.random.random() * (grade + 1) / (BEST + 1) * LONGEST_MS)
                dwelt = about | {"kind": "dwell", "dwell_ms": stayed}
                await self.send("POST", "/feedback", json=dwelt)
                if self.random.random() < 0.2:
                    await self.send("GET", f"/documents/{document}/similar")
            if self.random.random() > LOOKED_AT:
                return

    async def pause(self) -> None:
        """Read for a while."""
        await asyncio.sleep(self.random.expovariate(1 / PAUSE_SECONDS))

    async def send(self, method: str, path: str, **content: Any) -> Any:
        return await self.traffic.send(method, path, self.address, **content)


Ask = Callable[[Random], tuple[str, str]]
"""The address of a client and the text that it searches."""


def _hot(random: Random) -> tuple[str, str]:
    return "203.0.113.7", random.choice(QUERIES).text


def _long(random: Random) -> tuple[str, str]:
    words = [word for query in random.choices(QUERIES, k=80) for word in query.text.split()]
    return address(random), " ".join(words)[:500].rpartition(" ")[0]


def _unknown(random: Random) -> tuple[str, str]:
    words = ("".join(random.choices(UNKNOWN, k=random.randint(6, 12))) for _ in range(4))
    return address(random), " ".join(words)


def _bot(random: Random) -> tuple[str, str]:
    return f"198.51.100.{random.randint(1, 20)}", random.choice(WALK).text


WALK = QUERIES[::7]
"""The queries that bots send again and again."""
PROFILES: dict[str, tuple[Ask, float, str]] = {
    "hot-client": (_hot, 6, "one client sends six times as many requests as all others"),
    "long-queries": (_long, 3, "queries of 500 characters, three times as many as others"),
    "unknown-words": (_unknown, 3, "queries whose words no document contains"),
    "bots": (_bot, 6, "20 clients send the same few queries without pauses, and never click"),
}
"""What a client sends, how many times the mean rate, and the effect."""


def address(random: Random) -> str:
    """The address of a user, one of 65,536."""
    return f"10.0.{random.randint(0, 255)}.{random.randint(0, 255)}"


def arrivals(random: Random, rate: float, seconds: float, day: float) -> Iterator[float]:
    """Times of arrivals in [0, seconds): a Poisson process whose rate follows the time of day.

    By thinning: arrivals of the highest rate, of which each is kept with the probability of its
    time of day (Lewis and Shedler, 1979).
    """
    highest, now = rate * (1 + SWING), 0.0
    while (now := now + random.expovariate(highest)) < seconds:
        wanted = rate * (1 + SWING * math.sin(2 * math.pi * now / day)) if day else rate
        if random.random() < wanted / highest:
            yield now


async def run(given: argparse.Namespace, client: httpx.AsyncClient) -> Counter[str]:
    """Send everything; the outcomes."""
    traffic, random = Traffic(client), Random(given.seed)
    started, running = time.monotonic(), set[asyncio.Task[Any]]()

    async def at(times: Iterable[float], begin: Callable[[], Any]) -> None:
        for moment in times:
            await asyncio.sleep(max(started + moment - time.monotonic(), 0))
            if len(running) >= MAX_USERS:
                traffic.outcomes["dropped"] += 1
                continue
            task = asyncio.ensure_future(begin())
            running.add(task)
            task.add_done_callback(running.discard)

    def reader() -> Any:
        return Reader(traffic, Random(random.random()), address(random)).session()

    users = arrivals(
        Random(given.seed), given.rate / REQUESTS_PER_SESSION, given.seconds, given.day
    )
    sources = [at(users, reader)]
    for name in given.profile:
        ask, factor, _ = PROFILES[name]
        dice = Random(f"{given.seed} {name}")
        until = min(given.until or given.seconds, given.seconds)
        times = arrivals(dice, given.rate * factor, until - given.begin, 0)

        def search(ask: Ask = ask, dice: Random = dice) -> Any:
            user, text = ask(dice)
            return traffic.send("POST", "/recommend", user, json={"query": text, "limit": 10})

        sources.append(at((given.begin + each for each in times), search))
    await asyncio.gather(*sources)
    for each in running:
        each.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    return traffic.outcomes


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    """The command's arguments."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--host", default="http://127.0.0.1:8000")
    parser.add_argument("--rate", type=float, default=5, help="mean requests per second")
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--day", type=float, default=600, help="length of a day; 0: no shape")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--profile", action="append", default=[], choices=sorted(PROFILES))
    parser.add_argument("--from", dest="begin", type=float, default=0, help="of the profiles")
    parser.add_argument("--until", type=float, help="of the profiles")
    return parser.parse_args(given)


async def main() -> None:
    """Run until the end, or until interrupted; then print the outcomes."""
    given, limits = arguments(), httpx.Limits(max_connections=MAX_USERS)
    async with httpx.AsyncClient(
        base_url=given.host, timeout=TIMEOUT_SECONDS, limits=limits
    ) as client:
        outcomes = await run(given, client)
    print(", ".join(f"{count} × {outcome}" for outcome, count in outcomes.most_common()))


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main())
