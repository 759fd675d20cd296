"""`TopicSignal` from Wikipedia: a cache, shared and bounded calls, and a circuit breaker.

A request waits until its deadline at most. The call that it started continues until its own
timeout, so that a slow response still fills the cache for the next request.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace

from cachetools import TTLCache
from purgatory import AsyncCircuitBreakerFactory
from purgatory.domain.messages.base import Event
from purgatory.domain.messages.events import ContextChanged
from purgatory.domain.model import OpenedState

from app.recommend.stages import CIRCUIT_OPENED, FETCH_TOPIC, FOUND_NOTHING, StageObserver
from app.recommend.topic_signal import Evidence, Outcome, Page, answered
from app.recommend.types import Floats, Query
from app.settings import WikipediaSettings
from app.wikipedia.client import (
    FoundNothing,
    SearchFailed,
    SearchRefused,
    SearchTimeout,
    Wikipedia,
)

CIRCUIT = "wikipedia"
MAX_RETRY_AFTER = 600.0
"""Upper limit in seconds for the server's Retry-After."""


class AskedToWait(SearchFailed):
    """The time of the server's Retry-After has not passed yet; no call was made."""


class WikipediaSignal:
    """Calls Wikipedia while local retrieval runs. Bound to the event loop that created it."""

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
            exclude=[(SearchRefused, lambda error: not error.temporary)],
        )
        self._breakers.add_listener(self._on_breaker_event)
        self._cache: TTLCache[str, Evidence] = TTLCache(
            settings.cache_entries, settings.cache_seconds
        )
        self._calls: dict[str, asyncio.Task[Evidence]] = {}
        self._not_before = 0.0
        self._empty = 0
        self._failure: SearchFailed | None = None
        """The last failure that counted; the cause of an open circuit."""

    def begin(self, query: Query) -> asyncio.Future[Evidence]:
        """The evidence from the cache, or from a call that this starts."""
        cached = self._cache.get(query.text.casefold())
        if cached is None:
            return self._loop.create_task(self._request(query.text))
        with self._stages.observe(FETCH_TOPIC) as stage:
            evidence = stage.result = replace(cached, outcome=Outcome.CACHED)
        return answered(evidence)

    async def _request(self, text: str) -> Evidence:
        with self._stages.observe(FETCH_TOPIC) as stage:
            try:
                evidence = await self._until_deadline(text)
            except (AskedToWait, OpenedState) as error:
                error.with_traceback(None)  # a shared object: frames of all requests would pile up
                error.__cause__ = self._failure
                evidence = Evidence(Outcome.OPEN_CIRCUIT, failure=error)
            except (TimeoutError, SearchTimeout) as error:
                evidence = Evidence(Outcome.TIMEOUT, failure=error)
            except Exception as error:  # noqa: BLE001 - no failure here may fail the request
                evidence = Evidence(Outcome.ERROR, failure=error)
            stage.result = evidence
        return evidence

    async def _until_deadline(self, text: str) -> Evidence:
        """The call's evidence. Raises TimeoutError at the deadline, or the call's exception."""
        call = self._call(text)
        await asyncio.wait({call}, timeout=self._settings.deadline_seconds)
        if not call.done():
            raise TimeoutError
        if call.cancelled():
            raise SearchFailed("cancelled: the service is stopping")
        return call.result()

    def _call(self, text: str) -> asyncio.Task[Evidence]:
        """The one running call for a text; concurrent requests with the same text share it."""
        key = text.casefold()
        call = self._calls.get(key)
        if call is None:
            if self._loop.time() < self._not_before:
                raise AskedToWait("the server's Retry-After has not passed")
            if len(self._calls) >= self._settings.connections:
                raise SearchFailed("too many concurrent calls")
            call = self._calls[key] = self._loop.create_task(self._fetch(key, text))
            call.add_done_callback(lambda done: self._call_done(key, done))
        return call

    def _call_done(self, key: str, call: asyncio.Task[Evidence]) -> None:
        del self._calls[key]
        if not call.cancelled():
            call.exception()  # mark it as retrieved: maybe no request waits for it any more

    async def _fetch(self, key: str, text: str) -> Evidence:
        async with await self._breakers.get_breaker(CIRCUIT):
            try:
                pages = await self._client.search(text)
            except SearchFailed as error:
                if not isinstance(error, SearchRefused) or error.temporary:
                    self._failure = error
                if isinstance(error, SearchRefused):
                    self._obey(error)
                raise
        self._check_empty(pages)
        texts = [f"{page.title}\n{page.summary}" for page in pages]
        vectors = await asyncio.to_thread(self._embed, texts)  # a transformer takes long
        evidence = self._cache[key] = Evidence.found(pages, vectors)
        return evidence

    def _check_empty(self, pages: tuple[Page, ...]) -> None:
        """Raises FoundNothing if the last calls found no pages at all.

        A search that understands its queries finds something for most of them. Empty answers in a
        row look like success, and would be cached.
        """
        self._empty = 0 if pages else self._empty + 1
        if self._empty < self._settings.empty_answers:
            return
        error = FoundNothing(f"no pages in the last {self._settings.empty_answers} answers")
        if self._empty == self._settings.empty_answers:
            self._stages.note(FOUND_NOTHING, error)
        raise error

    def _obey(self, refusal: SearchRefused) -> None:
        """Make no calls for the seconds of the server's Retry-After."""
        if not refusal.retry_after:
            return
        if self._loop.time() >= self._not_before:  # else a concurrent call has reported it
            self._stages.note(CIRCUIT_OPENED, refusal)
        self._not_before = self._loop.time() + min(refusal.retry_after, MAX_RETRY_AFTER)

    def _on_breaker_event(self, _: str, __: str, event: Event) -> None:
        """Listener of the circuit breaker."""
        if isinstance(event, ContextChanged) and event.state == "opened":
            self._stages.note(CIRCUIT_OPENED, self._failure)

    @property
    def calls(self) -> int:
        """Number of running calls; at most `connections` of the settings."""
        return len(self._calls)

    async def circuit(self) -> str:
        """State of the circuit breaker: `closed`, `half-opened` or `opened`."""
        breaker = await self._breakers.get_breaker(CIRCUIT)
        return str(breaker.context.state)

    async def close(self) -> None:
        """Cancel the running calls and close the connections."""
        calls = list(self._calls.values())
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        await self._client.close()
