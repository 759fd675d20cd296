"""Wikipedia behind the heart's `TopicSignal`: cached, shared, bounded, and never in the way.

A request waits for its deadline at most. The call it started may go on a little longer, up to its
own timeout, so that a slow answer still serves the next request from the cache.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace

from cachetools import TTLCache
from purgatory import AsyncCircuitBreakerFactory
from purgatory.domain.messages.base import Event
from purgatory.domain.messages.events import ContextChanged
from purgatory.domain.model import OpenedState

from app.recommend.stages import CIRCUIT_OPENED, FETCH_TOPIC, StageObserver
from app.recommend.topic_signal import Evidence, Outcome, answered
from app.recommend.types import Floats, Query
from app.settings import WikipediaSettings
from app.wikipedia.client import SearchFailed, SearchRefused, SearchTimeout, Wikipedia

CIRCUIT = "wikipedia"
LONGEST_WAIT = 600.0
"""Seconds that a server's Retry-After is heeded at most."""


class AskedToWait(SearchFailed):
    """The server has named a time before which it wants no calls."""


class WikipediaSignal:
    """Asks Wikipedia while local retrieval runs. Lives on the event loop it was built on."""

    def __init__(
        self,
        client: Wikipedia,
        embed: Callable[[list[str]], Floats],
        settings: WikipediaSettings,
        stages: StageObserver,
    ) -> None:
        self._client, self._embed, self._settings, self._stages = client, embed, settings, stages
        self._loop = asyncio.get_running_loop()
        self._breakers = AsyncCircuitBreakerFactory(
            default_threshold=settings.breaker_failures,
            default_ttl=settings.breaker_seconds,
            exclude=[(SearchRefused, lambda error: not error.may_pass)],
        )
        self._breakers.add_listener(self._hear)
        self._cache: TTLCache[str, Evidence] = TTLCache(
            settings.cache_entries, settings.cache_seconds
        )
        self._flights: dict[str, asyncio.Task[Evidence]] = {}
        self._not_before = 0.0

    def begin(self, query: Query) -> asyncio.Future[Evidence]:
        """Answer from the cache, or start asking."""
        cached = self._cache.get(query.text.casefold())
        if cached is None:
            return self._loop.create_task(self._ask(query.text))
        with self._stages.observe(FETCH_TOPIC) as stage:
            evidence = stage.result = replace(cached, outcome=Outcome.CACHED)
        return answered(evidence)

    async def _ask(self, text: str) -> Evidence:
        with self._stages.observe(FETCH_TOPIC) as stage:
            try:
                evidence = await self._in_time(text)
            except (AskedToWait, OpenedState) as error:
                error.with_traceback(None)  # one object for all; it would gather everyone's frames
                evidence = Evidence(Outcome.OPEN_CIRCUIT, failure=error)
            except (TimeoutError, SearchTimeout) as error:
                evidence = Evidence(Outcome.TIMEOUT, failure=error)
            except Exception as error:  # noqa: BLE001 - whatever fails here, the answer must come
                evidence = Evidence(Outcome.ERROR, failure=error)
            stage.result = evidence
        return evidence

    async def _in_time(self, text: str) -> Evidence:
        """What the call brings. Raises TimeoutError at the deadline, or what ended the call."""
        flight = self._flight(text)
        await asyncio.wait({flight}, timeout=self._settings.deadline_seconds)
        if not flight.done():
            raise TimeoutError
        if flight.cancelled():
            raise SearchFailed("given up: the service is stopping")
        return flight.result()

    def _flight(self, text: str) -> asyncio.Task[Evidence]:
        """The one call under way for a text; everybody who asks the same meanwhile shares it."""
        key = text.casefold()
        flight = self._flights.get(key)
        if flight is None:
            if self._loop.time() < self._not_before:
                raise AskedToWait("the server asked not to be asked for a while")
            if len(self._flights) >= self._settings.connections:
                raise SearchFailed("as many calls as allowed are under way")
            flight = self._flights[key] = self._loop.create_task(self._fetch(key, text))
            flight.add_done_callback(lambda done: self._landed(key, done))
        return flight

    def _landed(self, key: str, flight: asyncio.Task[Evidence]) -> None:
        del self._flights[key]
        if not flight.cancelled():
            flight.exception()  # those who wait hear of it; nobody waiting is fine too

    async def _fetch(self, key: str, text: str) -> Evidence:
        async with await self._breakers.get_breaker(CIRCUIT):
            try:
                async with asyncio.timeout(self._settings.timeout_seconds):
                    pages = await self._client.search(text)
            except TimeoutError as error:
                raise SearchTimeout("no answer") from error
            except SearchRefused as error:
                self._heed(error.retry_after or 0)
                raise
        texts = [f"{page.title}\n{page.summary}" for page in pages]
        evidence = self._cache[key] = Evidence.found(pages, self._embed(texts))
        return evidence

    def _heed(self, retry_after: float) -> None:
        """Ask nothing for as long as the server wants."""
        if not retry_after:
            return
        if self._loop.time() >= self._not_before:  # else others have heard the same just now
            self._stages.note(CIRCUIT_OPENED)
        self._not_before = self._loop.time() + min(retry_after, LONGEST_WAIT)

    def _hear(self, _: str, __: str, event: Event) -> None:
        """From the circuit breaker: it opened, or something else."""
        if isinstance(event, ContextChanged) and event.state == "opened":
            self._stages.note(CIRCUIT_OPENED)

    async def circuit(self) -> str:
        """`closed`, `half-opened` or `opened`."""
        breaker = await self._breakers.get_breaker(CIRCUIT)
        return str(breaker.context.state)

    async def close(self) -> None:
        """Give up the calls under way, and close the connections."""
        flights = list(self._flights.values())
        for flight in flights:
            flight.cancel()
        await asyncio.gather(*flights, return_exceptions=True)
        await self._client.close()
