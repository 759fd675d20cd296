"""What each one changes in a running service, as a client or a reader of telemetry sees it."""

import asyncio
import errno
import os
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import httpx
import psutil
from opentelemetry.semconv.attributes.error_attributes import ERROR_TYPE

from app.recommend.fusion import Fusion
from app.recommend.stages import RANK, RETRIEVE, SCORE
from app.telemetry import vocabulary as v
from tests.api.service import WRITER
from tests.telemetry.recorded_service import Service

SLOW = 0.15
"""The parameter of those that have one, in seconds."""


@dataclass(slots=True)
class Observed:
    """Sends requests to a service, each with another query, and reads what it emitted."""

    service: Service
    numbers: "count[int]" = field(default_factory=count)

    async def ask(self, text: str = "stale bread") -> httpx.Response:
        return await self.service.ask(f"{text} {next(self.numbers)}")

    async def wide(self, text: str = "stale bread") -> dict[str, Any]:
        """The wide event of a request."""
        answer = await self.ask(text)
        self.service.telemetry.flush()
        return dict(self.service.wide_event(answer).attributes or {})

    async def write(self) -> httpx.Response:
        document = {"title": "Seven", "text": f"A number: {next(self.numbers)}."}
        return await self.service.client.put("/documents/seven", json=document, headers=WRITER)


Effect = Callable[[Observed], Awaitable[bool]]


def emits(**expected: object) -> Effect:
    """Whether a request's wide event has these values."""
    names = {
        "outcome": v.TOPIC_OUTCOME, "error": ERROR_TYPE, "code": v.CORE.code,
        "version": v.MODEL_VERSION,
    }  # fmt: skip

    async def observe(service: Observed) -> bool:
        found = await service.wide()
        return all(found.get(names[name]) == value for name, value in expected.items())

    return observe


def takes(stage: str, seconds: float = SLOW) -> Effect:
    async def observe(service: Observed) -> bool:
        return bool((await service.wide())[v.CORE.stage_durations[stage]] >= seconds)

    return observe


def write_fails(problem: str) -> Effect:
    async def observe(service: Observed) -> bool:
        return str((await service.write()).json().get("type", "")).endswith(problem)

    return observe


async def fails(service: Observed) -> bool:
    return bool((await service.ask()).status_code == 500)


async def fails_sometimes(service: Observed) -> bool:
    texts = ("tide tables", "stale bread", "sourdough starter", "chess opening", "moon")
    return len({(await service.ask(text)).status_code for text in texts}) == 2


async def loses_results(service: Observed) -> bool:
    return len((await service.ask()).json()["results"]) < 5


async def is_not_best(service: Observed) -> bool:
    """Whether the first result has no word of the query."""
    found = (await service.ask()).json()["results"]
    return not found[0]["reasons"]["matched_terms"]


async def has_other_weights(service: Observed) -> bool:
    found = await service.wide()
    return found[v.MODEL_VERSION] == Fusion.card.version and "lexical=0.0" in str(found[v.WEIGHTS])


async def has_no_meaning(service: Observed) -> bool:
    """Whether meaning hardly adds to the score."""
    return float((await service.wide())[v.CONTRIBUTIONS["dense"]]) < 0.1


async def never_hits(service: Observed) -> bool:
    outcomes = set()
    for _ in range(3):
        answer = await service.service.ask("the same words")
        service.service.telemetry.flush()
        outcomes.add((service.service.wide_event(answer).attributes or {})[v.CACHE_OUTCOME])
    return outcomes == {"miss"}


async def loop_is_late(__: Observed) -> bool:
    longest = 0.0
    for _ in range(10):
        begun = time.monotonic()
        await asyncio.sleep(0.01)
        longest = max(longest, time.monotonic() - begun)
    return longest >= 0.5


async def computes(_: Observed) -> bool:
    begun, used = time.monotonic(), time.process_time()
    while time.monotonic() < begun + 2:
        await asyncio.sleep(0.02)
        if time.process_time() - used > 0.1:
            return True
    return False


async def grows(_: Observed) -> bool:
    before = psutil.Process().memory_info().rss
    begun = time.monotonic()
    while time.monotonic() < begun + 2:
        await asyncio.sleep(0.02)
        if psutil.Process().memory_info().rss - before > 50_000_000:
            return True
    return False


async def has_no_thread(service: Observed) -> bool:
    service.service.telemetry.flush()
    used, most = (service.service.counts(each) for each in (v.CORE.used, v.CORE.limit))
    return used["worker_threads",] == most["worker_threads",]


async def opens_nothing(_: Observed) -> bool:
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        return error.errno == errno.EMFILE
    return False


async def delivers_nothing(service: Observed) -> bool:
    service.service.telemetry.flush()
    before = len(service.service.spans)
    await service.ask()
    service.service.telemetry.flush()
    return len(service.service.spans) == before


async def delivers_late(service: Observed) -> bool:
    await service.ask()
    begun = time.monotonic()
    service.service.telemetry.flush()
    return time.monotonic() - begun >= SLOW


async def is_ahead(service: Observed) -> bool:
    await service.ask()
    service.service.telemetry.flush()
    return (service.service.spans[-1].end_time or 0) > time.time_ns() + 100_000_000_000


EFFECTS: dict[str, Effect] = {
    "wikipedia-slow": emits(outcome="timeout"),
    "wikipedia-hangs": emits(outcome="timeout"),
    "wikipedia-429": emits(error="429"),
    "wikipedia-500": emits(error="500"),
    "wikipedia-malformed": emits(error="SearchMalformed"),
    "wikipedia-empty": emits(outcome="miss"),
    "wikipedia-dns": emits(error="SearchUnreachable"),
    "wikipedia-refused": emits(error="SearchUnreachable", code="ECONNREFUSED"),
    "sqlite-slow": takes(RETRIEVE),
    "sqlite-locked": write_fails("storage-busy"),
    "missing-index": takes(RANK),
    "full-text-truncated": loses_results,
    "sqlite-read-only": write_fails("storage-read-only"),
    "model-slow": takes(SCORE),
    "model-reloaded": takes(SCORE, 0.05),
    "model-raises": fails_sometimes,
    "model-nan": fails,
    "model-wrong-version": emits(version="0"),
    "model-negated": is_not_best,
    "embeddings-stale": has_no_meaning,
    "cache-off": never_hits,
    "cache-stampede": never_hits,
    "loop-blocked": loop_is_late,
    "cpu-hog": computes,
    "memory-leak": grows,
    "threads-exhausted": has_no_thread,
    "files-exhausted": opens_nothing,
    "collector-down": delivers_nothing,
    "collector-slow": delivers_late,
    "clock-skew": is_ahead,
    "weights-changed": has_other_weights,
}
PARAMETERS = {
    "clock-skew": 300.0,
    "cache-stampede": 0.0,
    "loop-blocked": 0.6,
    "memory-leak": 0.02,
    "wikipedia-slow": 60.0,
}
