"""HTTP client of Wikipedia's search API: bounded calls, retries of temporary failures.

    SearchFailed
      SearchTimeout      no complete response in time
      SearchUnreachable  no connection, or a broken one
      SearchRefused      a status other than 200; `retry_after` in seconds if the server sent it
      SearchMalformed    a response that breaks the API's contract, or is too large
      FoundNothing       valid responses, but none of the last ones contained a page

API: https://www.mediawiki.org/wiki/API:REST_API/Reference#Search_pages
"""

import asyncio
import html
import re
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import anyio
import httpx
from pydantic import BaseModel, Field, ValidationError
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    stop_after_attempt,
    wait_random_exponential,
)

from app.recommend.stages import RETRY_STARTED, StageObserver
from app.recommend.topic_signal import Page
from app.settings import WikipediaSettings

PAGES = 10
MAX_QUERY = 300
MAX_BODY = 512 * 1024
SENT_HEADERS = frozenset({"accept", "accept-encoding", "connection", "host", "user-agent"})
TRACE_CONTEXT = frozenset({"traceparent", "tracestate"})
"""https://www.w3.org/TR/trace-context/"""
_TAG = re.compile(r"<[^>]*>")


class SearchFailed(Exception):
    """No usable response."""


class SearchTimeout(SearchFailed):
    """No complete response in time."""


class SearchUnreachable(SearchFailed):
    """No connection, or a broken one."""


class SearchMalformed(SearchFailed):
    """A response that breaks the API's contract, or is too large."""


class FoundNothing(SearchFailed):
    """None of the last responses contained a page: most likely the query is sent wrongly."""


class SearchRefused(SearchFailed):
    """A status other than 200. `retry_after` is in seconds."""

    def __init__(self, status: int, retry_after: float | None) -> None:
        super().__init__(f"status {status}")
        self.status, self.retry_after = status, retry_after
        self.temporary = status == httpx.codes.TOO_MANY_REQUESTS or status >= 500


class _FoundPage(BaseModel):
    title: str = Field(min_length=1, max_length=512)
    description: str | None = None
    excerpt: str | None = None


class _Found(BaseModel):
    pages: list[_FoundPage] = Field(max_length=100)


class _Transport(httpx.AsyncBaseTransport):
    """Transport that removes all headers but the listed ones, and ends at the time in the
    request's extension `until`.

    Instrumentation adds trace context and baggage to every call, with header names that depend on
    the configured propagators. They may contain private data of our callers. The time limit is
    here, inside of the instrumentation, so that its span ends with a timeout; a limit around the
    call would cancel it, and the span could not say why.
    """

    def __init__(self, transport: httpx.AsyncBaseTransport, sent: frozenset[str]) -> None:
        self._transport, self._sent = transport, sent

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        for name in request.headers.keys() - self._sent:
            del request.headers[name]
        try:
            with _limit(request.extensions["until"]), _in_steps(request.extensions):
                return await self._transport.handle_async_request(request)
        except TimeoutError as error:
            raise httpx.ReadTimeout("no response in time", request=request) from error

    async def aclose(self) -> None:
        await self._transport.aclose()


class Wikipedia:
    """Client of the search API. Create one for the life of the app, and `close` it."""

    def __init__(
        self,
        settings: WikipediaSettings,
        user_agent: str,
        stages: StageObserver,
        instrument: Callable[[httpx.AsyncClient], None] = lambda _: None,
        wrap: Callable[[httpx.AsyncBaseTransport], httpx.AsyncBaseTransport] = lambda each: each,
    ) -> None:
        """`instrument` is called with the HTTP client; `wrap` may wrap its connections."""
        self._settings, self._stages = settings, stages
        self._url = str(settings.base_url)
        self._extensions: dict[str, object] = {"url_template": settings.base_url.path or "/"}
        transport = httpx.AsyncHTTPTransport(
            limits=httpx.Limits(max_connections=settings.connections),
            proxy=_proxy(self._url),
        )
        sent = SENT_HEADERS | (TRACE_CONTEXT if settings.trace_context else frozenset())
        self._client = httpx.AsyncClient(
            headers={"User-Agent": user_agent, "Accept": "application/json"},
            timeout=settings.timeout_seconds,
            transport=_Transport(wrap(transport), sent),
        )
        instrument(self._client)

    async def search(self, text: str) -> tuple[Page, ...]:
        """Up to PAGES pages, best first, within the timeout. Raises SearchFailed."""
        until = asyncio.get_running_loop().time() + self._settings.timeout_seconds
        attempts = AsyncRetrying(
            stop=self._give_up,
            wait=self._pause,
            before_sleep=lambda state: self._stages.note(RETRY_STARTED, _failure(state)),
            retry=retry_if_exception(_temporary),
            reraise=True,
        )
        pages: tuple[Page, ...] = await attempts(self._search_once, text, until)
        return pages

    def _give_up(self, state: RetryCallState) -> bool:
        """Whether to stop: after the last attempt, or if the pause exceeds the time left."""
        time_left = self._settings.timeout_seconds - (state.seconds_since_start or 0)
        stopped = stop_after_attempt(self._settings.attempts)(state)
        return stopped or (_retry_after(state) or 0) >= time_left

    def _pause(self, state: RetryCallState) -> float:
        retry_after = _retry_after(state)
        return retry_after if retry_after is not None else wait_random_exponential(0.05, 0.5)(state)

    async def _search_once(self, text: str, until: float) -> tuple[Page, ...]:
        query = {"q": text[:MAX_QUERY], "limit": str(PAGES)}
        extensions = self._extensions | {"until": until}
        try:
            call = self._client.stream("GET", self._url, params=query, extensions=extensions)
            async with call as response:
                if response.status_code != httpx.codes.OK:
                    raise SearchRefused(response.status_code, _seconds(response))
                with _limit(until):
                    body = await _bounded(response)
        except (httpx.TimeoutException, TimeoutError) as error:
            raise SearchTimeout(type(error).__name__) from error
        except httpx.HTTPError as error:
            raise SearchUnreachable(type(error).__name__) from error
        try:
            found = _Found.model_validate_json(body)
        except ValidationError as error:
            raise SearchMalformed(f"{error.error_count()} unexpected fields") from error
        return tuple(_page(each) for each in found.pages[:PAGES])

    async def close(self) -> None:
        await self._client.aclose()


def _limit(until: float) -> AbstractContextManager[object]:
    """Raises TimeoutError at a time of the event loop's clock.

    Not `asyncio.timeout_at`: its cancellation can arrive while the response is being closed, which
    then keeps its place in the pool of connections for ever. After some pauses of the event loop no
    place would be left. The pool shields closing from cancellations by anyio.
    """
    return anyio.fail_after(max(0.0, until - asyncio.get_running_loop().time()))


@contextmanager
def _in_steps(extensions: MutableMapping[str, Any]) -> Iterator[None]:
    """Allow cancellation only within the steps that httpcore reports: connect, send, receive.

    Between them, for example when a connection is assigned and not yet opened, httpcore 1.0 does
    not give the place in the pool back.
    """
    observe: Callable[[str, Any], Awaitable[None]] | None = extensions.get("trace")
    with anyio.CancelScope(shield=True) as guard:

        async def report(event: str, about: Any) -> None:
            guard.shield = not event.endswith(".started")
            if observe is not None:
                await observe(event, about)

        extensions["trace"] = report
        yield


def _proxy(url: str) -> str | None:
    """The proxy from HTTPS_PROXY and the like; httpx reads them for its default transport only."""
    parts, proxies = urlsplit(url), getproxies()
    through = proxies.get(parts.scheme) or proxies.get("all")
    return None if proxy_bypass(parts.hostname or "") else through


def _page(found: _FoundPage) -> Page:
    excerpt = html.unescape(_TAG.sub("", found.excerpt or ""))
    return Page(found.title, f"{found.description or ''} {excerpt}".strip()[:1000])


async def _bounded(response: httpx.Response) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > MAX_BODY:
            raise SearchMalformed(f"more than {MAX_BODY} bytes")
    return bytes(body)


def _seconds(response: httpx.Response) -> float | None:
    """Retry-After in seconds; None if absent or a date (this API does not send dates)."""
    value = response.headers.get("Retry-After", "")
    return float(value) if value.isdecimal() and len(value) < 7 else None


def _failure(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None


def _retry_after(state: RetryCallState) -> float | None:
    error = _failure(state)
    return error.retry_after if isinstance(error, SearchRefused) else None


def _temporary(error: BaseException) -> bool:
    if isinstance(error, SearchRefused):
        return error.temporary
    return isinstance(error, SearchUnreachable | SearchTimeout)
