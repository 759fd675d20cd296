"""The service in this process, and all it emits: spans, measurements and log records.

async with Service(settings) as service:
    answer = await service.ask("stale bread")
assert service.wide_event(answer).attributes["vitrine.ranking.degraded"] is False
"""

import re
from collections.abc import Callable
from contextlib import AsyncExitStack
from itertools import count
from typing import Any, Protocol, Self
from unittest.mock import patch

import httpx
from opentelemetry._logs import LogRecord
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.id_generator import IdGenerator
from starlette.types import ASGIApp, Receive, Scope, Send

from app.composition import Parts
from app.main import create_app
from app.settings import Settings, TelemetrySettings, WikipediaSettings
from app.telemetry.kit.exporters import Exporters
from app.telemetry.kit.testing import Recorder
from app.telemetry.setup import Telemetry
from app.telemetry.vocabulary import CORE, SERVED
from tests.api.service import client_of
from tests.fake_wikipedia import FakeWikipedia
from tests.telemetry.span_trees import Tree, tree
from tests.waiting import TIMEOUT

GLOBAL_METERS = "opentelemetry.metrics._internal._METER_PROVIDER"
"""Where SQLite's instrumentation looks; it can be set for good only, or like this."""
TRACERESPONSE = re.compile("00-([0-9a-f]{32})-([0-9a-f]{16})-(0[01])")


Wrap = Callable[[Exporters], Exporters]


class Numbers(IdGenerator):
    """Traces are numbered, and spans, each from 1."""

    def __init__(self) -> None:
        self._traces, self._spans = count(1), count(1)

    def generate_trace_id(self) -> int:
        return next(self._traces)

    def generate_span_id(self) -> int:
        return next(self._spans)


class RecordedTelemetry(Recorder):
    """Accepts everything that a `Telemetry` sends."""

    def listen(self, settings: TelemetrySettings, wrap: Wrap = lambda each: each) -> Telemetry:
        """A `Telemetry` that sends to here; its ids count."""
        return Telemetry(settings, wrap(self.exporters()), ids=Numbers())


class Service(RecordedTelemetry):
    """A service of its own that runs within its block. At the end everything is exported."""

    client: httpx.AsyncClient
    running: ASGIApp
    parts: Parts

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.app = create_app(settings, telemetry=self._listen)
        self._stack = AsyncExitStack()

    def _listen(self, settings: TelemetrySettings, wrap: Wrap = lambda each: each) -> Telemetry:
        self.telemetry = self.listen(settings, wrap)
        self._stack.enter_context(patch(GLOBAL_METERS, self.telemetry.metrics))
        return self.telemetry

    async def __aenter__(self) -> Self:
        state = await self._stack.enter_async_context(self.app.router.lifespan_context(self.app))

        self.parts = dict(state or {})["parts"]

        async def running(scope: Scope, receive: Receive, send: Send) -> None:
            await self.app({**scope, "state": dict(state or {})}, receive, send)

        self.running = running
        self.client = await self._stack.enter_async_context(client_of(running))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def measured_now(self) -> dict[str, Any]:
        """All measurements up to now, by the metric's name."""
        self.telemetry.flush()
        return self.measured()

    async def ask(self, text: str, headers: dict[str, str] | None = None) -> httpx.Response:
        """Ask for a recommendation."""
        return await self.client.post("/recommend", json={"query": text}, headers=headers)

    def of_trace(self, answer: httpx.Response) -> list[ReadableSpan]:
        """The spans of the trace that an answer names."""
        trace, _ = trace_of(answer)
        return [each for each in self.spans if each.context.trace_id == trace]

    def tree(self, answer: httpx.Response) -> Tree:
        """The same as a tree."""
        return tree(self.of_trace(answer))

    def logs_of(self, answer: httpx.Response) -> list[LogRecord]:
        """The log records of the trace that an answer names."""
        trace, _ = trace_of(answer)
        return [each for each in self.records if each.trace_id == trace]

    def wide_event(self, answer: httpx.Response) -> LogRecord:
        """The one wide event of a request."""
        (found,) = [
            each for each in self.logs_of(answer) if each.event_name in (SERVED, CORE.answered)
        ]
        return found


class OpenService(Protocol):
    """Makes services with a few documents. What they emit is checked against the vocabulary."""

    def __call__(self, wikipedia: WikipediaSettings = ..., **changes: Any) -> Service: ...


def wikipedia_settings(wikipedia: FakeWikipedia, **changes: Any) -> WikipediaSettings:
    """Settings with the fake Wikipedia, and long timeouts."""
    patient = {
        "base_url": wikipedia.url, "trace_context": True,
        "deadline_seconds": TIMEOUT, "timeout_seconds": TIMEOUT,
    }  # fmt: skip
    return WikipediaSettings(**(patient | changes))


def trace_of(answer: httpx.Response) -> tuple[int, int]:
    """The ids of the trace and of the server span that an answer names."""
    found = TRACERESPONSE.fullmatch(answer.headers["traceresponse"])
    assert found
    return int(found[1], 16), int(found[2], 16)
