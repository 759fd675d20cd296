"""A fake Wikipedia, and topic signals that call it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any, Protocol

import pytest

from app.composition import user_agent
from app.recommend.embedding import Embedder
from app.recommend.topic_signal import Evidence, Outcome
from app.recommend.types import Query
from app.settings import Settings, WikipediaSettings
from app.wikipedia.client import Wikipedia
from app.wikipedia.signal import WikipediaSignal
from tests.fake_wikipedia import FakeWikipedia
from tests.fakes import RecordingStages
from tests.waiting import TIMEOUT


class ObservedSignal:
    """A topic signal, and what was observed of it."""

    def __init__(self, settings: WikipediaSettings, embedder: Embedder) -> None:
        self.stages = RecordingStages()
        client = Wikipedia(settings, user_agent(Settings(wikipedia=settings)), self.stages)
        self.signal = WikipediaSignal(client, embedder.embed, settings, self.stages)

    async def __call__(self, text: str) -> Evidence:
        """Start the signal, and await its evidence."""
        return await self.signal.begin(Query(text, ()))

    async def until_past(self, outcome: Outcome, text: str) -> Evidence:
        """Repeat until the outcome is another."""
        for _ in range(1000):
            if (found := await self(text)).outcome is not outcome:
                return found
            await asyncio.sleep(0.01)
        raise AssertionError(f"it stays {outcome}")


class OpenSignal(Protocol):
    """Opens a topic signal with these settings; long timeouts by default."""

    def __call__(self, **changes: Any) -> ObservedSignal: ...


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def wikipedia() -> Iterator[FakeWikipedia]:
    with FakeWikipedia() as running:
        yield running


@pytest.fixture
async def open_signal(wikipedia: FakeWikipedia, embedder: Embedder) -> AsyncIterator[OpenSignal]:
    """Opens topic signals, and closes them after the test."""
    opened: list[ObservedSignal] = []

    def opener(**changes: Any) -> ObservedSignal:
        patient = {
            "base_url": wikipedia.url,
            "deadline_seconds": TIMEOUT,
            "timeout_seconds": TIMEOUT,
        }
        observed = ObservedSignal(
            WikipediaSettings(**(patient | {"attempts": 1} | changes)), embedder
        )
        opened.append(observed)
        return observed

    yield opener
    for observed in opened:
        await observed.signal.close()
