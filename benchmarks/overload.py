"""Behaviour under overload: throughput, latency and recovery at three times the capacity.

    python -m benchmarks.overload [--seconds 30] [--workers 1] [--capacity N]

An open loop: two processes send requests at times that do not depend on the responses, each on a
free or a new connection. The capacity is measured with closed loops; then come a light load, three
times the capacity, and at once the light load again. Latency is measured from the time at which a
request was due. The answer cache is off.
"""

import argparse
import asyncio
import json
import multiprocessing
import random
import tempfile
import time
from collections import Counter
from collections.abc import Coroutine, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from multiprocessing.pool import Pool
from pathlib import Path
from typing import cast

import httptools
import numpy as np
import uvloop

from app.catalogue.seeding import seed
from app.composition import open_catalogue
from app.model.judged import seed_queries
from benchmarks.load import load, post
from benchmarks.report import report
from benchmarks.servers import server

LIGHT, FACTOR, PROCESSES = 0.2, 3, 2
PROBE_SECONDS, RECOVERY_SECONDS, GIVE_UP_SECONDS = 0.25, 5, 20
GOALS = (
    "goals: p99 of 200 responses at most 10 x that of the light load, all others 503 with "
    "Retry-After, recovery within 5 s, /livez always answered"
)
PROBE = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"


@dataclass
class Outcome:
    """The result of one load; `answered`: (seconds since its start, latency) of 200 responses."""

    answered: list[tuple[float, float]] = field(default_factory=list)
    probes: list[float] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    seconds: float = 0

    def add(self, other: "Outcome") -> None:
        """Add the outcome of a load that ran in parallel."""
        self.answered += other.answered
        self.probes += other.probes
        self.statuses += other.statuses
        self.seconds = max(self.seconds, other.seconds)

    def latency(self, percentile: float, since: float = 0) -> float:
        """Seconds."""
        chosen = [latency for at, latency in self.answered if at >= since]
        return float(np.percentile(chosen, percentile)) if chosen else float("nan")


class _Connection(asyncio.Protocol):
    """One request at a time. `free`: a set in order of use, since thousands close at once."""

    def __init__(self, free: "dict[_Connection, None]") -> None:
        self._free = free
        self._waiting: asyncio.Future[str] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def ask(self, request: bytes) -> asyncio.Future[str]:
        """The status; a 503 without Retry-After is marked."""
        self._parser, self._retry = httptools.HttpResponseParser(self), False
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._waiting

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_header(self, name: bytes, _: bytes) -> None:
        self._retry = self._retry or name.lower() == b"retry-after"

    def on_message_complete(self) -> None:
        status = str(self._parser.get_status_code())
        self._done(status if status != "503" or self._retry else "503, no Retry-After")
        if self._parser.should_keep_alive():
            self._free[self] = None
        else:
            self._transport.close()

    def connection_lost(self, _: Exception | None) -> None:
        self._free.pop(self, None)
        self._done("closed")

    def _done(self, status: str) -> None:
        if self._waiting and not self._waiting.done():
            self._waiting.set_result(status)


class _OpenLoop:
    """Sends requests at random times, on average `rate` a second, for `seconds` seconds."""

    def __init__(self, port: int, requests: Sequence[bytes], chance: random.Random) -> None:
        self._port, self._requests, self._chance = port, requests, chance
        self._free: dict[_Connection, None] = {}
        self._outcome, self._tasks = Outcome(), set[asyncio.Task[None]]()

    async def run(self, rate: float, seconds: float) -> Outcome:
        begun = due = probe_due = time.perf_counter()
        self._outcome.seconds = seconds
        while due < begun + seconds:
            if (pause := due - time.perf_counter()) > 0:
                await asyncio.sleep(pause)
            self._start(self._ask(due, begun))
            if due >= probe_due:
                self._start(self._probe(due))
                probe_due += PROBE_SECONDS
            due += self._chance.expovariate(rate)
        while self._tasks:
            await asyncio.wait(self._tasks)
        return self._outcome

    def _start(self, asking: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(asking)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _ask(self, due: float, begun: float) -> None:
        status = await self._status(self._chance.choice(self._requests))
        self._outcome.statuses[status] += 1
        if status == "200":
            self._outcome.answered.append((due - begun, time.perf_counter() - due))

    async def _probe(self, due: float) -> None:
        healthy = await self._status(PROBE) == "200"
        self._outcome.probes.append(time.perf_counter() - due if healthy else float("inf"))

    async def _status(self, request: bytes) -> str:
        try:
            async with asyncio.timeout(GIVE_UP_SECONDS):
                if self._free:
                    connection, _ = self._free.popitem()  # idle ones are closed after 5 s
                    return await connection.ask(request)
                loop = asyncio.get_running_loop()
                _, made = await loop.create_connection(
                    lambda: _Connection(self._free), "127.0.0.1", self._port
                )
                return await made.ask(request)
        except OSError as error:
            return type(error).__name__


def _one(port: int, requests: Sequence[bytes], rate: float, seconds: float, seed_: int) -> Outcome:
    return uvloop.run(_OpenLoop(port, requests, random.Random(seed_)).run(rate, seconds))


def open_loop(
    pool: Pool, port: int, requests: Sequence[bytes], rate: float, seconds: float
) -> Outcome:
    """Send `rate` requests a second, whatever the responses are."""
    share = [(port, requests, rate / PROCESSES, seconds, each) for each in range(PROCESSES)]
    together = Outcome()
    for each in pool.starmap(_one, share, chunksize=1):
        together.add(each)
    return together


def row(name: str, rate: float, outcome: Outcome, since: float = 0) -> dict[str, object]:
    """One line of the table."""
    counts = outcome.statuses
    others = {k: n for k, n in counts.items() if k not in ("200", "503")}
    return {
        "load": name,
        "offered/s": rate,
        "200/s": counts["200"] / outcome.seconds,
        "503/s": counts["503"] / outcome.seconds,
        "others": json.dumps(others) if others else "none",
        "p50 ms": 1000 * outcome.latency(50, since),
        "p99 ms": 1000 * outcome.latency(99, since),
        "health max ms": 1000 * max(outcome.probes, default=float("nan")),
    }


def main() -> None:
    """Measure, print the table, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--capacity", type=float, help="requests/s, instead of measuring it")
    given = parser.parse_args()
    texts = [each.text for split in ("tune", "test") for each in seed_queries(split)]
    requests = [post("/recommend", json.dumps({"query": text}).encode()) for text in texts]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        catalogue = open_catalogue(folder)
        with closing(catalogue.database):
            seed(catalogue, folder, lambda _: None)
        environment = {
            "VITRINE_DATA": str(folder),
            "VITRINE_ANSWERS_BYTES": "0",
            "VITRINE_WIKIPEDIA__ENABLED": "false",
            "VITRINE_TELEMETRY__ENABLED": "false",
            "VITRINE_LIMITS__REQUESTS_PER_SECOND": "1000000",
            "VITRINE_LIMITS__BURST": "1000000",
            "VITRINE_SERVER__WORKERS": str(given.workers),
        }
        port, _ = stack.enter_context(server("serve", environment))
        pool = stack.enter_context(multiprocessing.get_context("spawn").Pool(PROCESSES))
        load(port, requests, 4, 2)  # warm
        capacity = given.capacity or load(port, requests, 4, 4).rate
        light = LIGHT * capacity
        before = open_loop(pool, port, requests, light, given.seconds / 2)
        over = open_loop(pool, port, requests, FACTOR * capacity, given.seconds)
        after = open_loop(pool, port, requests, light, RECOVERY_SECONDS * 2)
    rows = [
        row("light", light, before),
        row("3 x capacity", FACTOR * capacity, over),
        row("light, right afterwards", light, after),
        row("light, 5 s afterwards", light, after, RECOVERY_SECONDS),
    ]
    base = before.latency(99)
    for each, outcome, since in zip(
        rows, (before, over, after, after), (0, 0, 0, RECOVERY_SECONDS), strict=True
    ):
        each["p99 of light"] = outcome.latency(99, since) / base
    report("overload", f"capacity {capacity:.0f}/s. {GOALS}", rows)


if __name__ == "__main__":
    main()
