"""Wikipedia's search API over HTTP: one bounded call, retried where that can help.

    SearchFailed
      SearchTimeout      no complete answer in time
      SearchUnreachable  no connection, or it broke
      SearchRefused      a status other than 200; `retry_after` seconds where the server named them
      SearchMalformed    an answer that is not what the API promises, or is too large

API: https://www.mediawiki.org/wiki/API:REST_API/Reference#Search_pages
"""

import html
import re
from collections.abc import Callable
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

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
SENT = frozenset({"accept", "accept-encoding", "connection", "host", "user-agent"})
TRACE_CONTEXT = frozenset({"traceparent", "tracestate"})
"""https://www.w3.org/TR/trace-context/"""
_TAG = re.compile(r"<[^>]*>")


class SearchFailed(Exception):
    """No usable answer."""


class SearchTimeout(SearchFailed):
    """No complete answer in time."""


class SearchUnreachable(SearchFailed):
    """No connection, or it broke."""


class SearchMalformed(SearchFailed):
    """Not what the API promises."""


class SearchRefused(SearchFailed):
    """Answered with a status other than 200."""

    def __init__(self, status: int, retry_after: float | None) -> None:
        super().__init__(f"status {status}")
        self.status, self.retry_after = status, retry_after
        self.may_pass = status == httpx.codes.TOO_MANY_REQUESTS or status >= 500


class _FoundPage(BaseModel):
    title: str = Field(min_length=1, max_length=512)
    description: str | None = None
    excerpt: str | None = None


class _Found(BaseModel):
    pages: list[_FoundPage] = Field(max_length=100)


class _Headers(httpx.AsyncBaseTransport):
    """Sends these headers and no others.

    Instrumentation adds trace context and baggage to every call, by whatever names the configured
    propagators use; what a caller of ours put there is none of Wikipedia's business.
    """

    def __init__(self, transport: httpx.AsyncBaseTransport, sent: frozenset[str]) -> None:
        self._transport, self._sent = transport, sent

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        for name in request.headers.keys() - self._sent:
            del request.headers[name]
        return await self._transport.handle_async_request(request)

    async def aclose(self) -> None:
        await self._transport.aclose()


class Wikipedia:
    """Searches pages. Keep one for the life of the app, and `close` it."""

    def __init__(
        self,
        settings: WikipediaSettings,
        user_agent: str,
        stages: StageObserver,
        watch: Callable[[httpx.AsyncClient], None] = lambda _: None,
    ) -> None:
        """`watch` may put something around the HTTP client."""
        self._settings, self._stages = settings, stages
        self._url = str(settings.base_url)
        self._named = {"url_template": settings.base_url.path or "/"}
        transport = httpx.AsyncHTTPTransport(
            limits=httpx.Limits(max_connections=settings.connections),
            proxy=_proxy(self._url),
        )
        sent = SENT | (TRACE_CONTEXT if settings.trace_context else frozenset())
        self._client = httpx.AsyncClient(
            headers={"User-Agent": user_agent, "Accept": "application/json"},
            timeout=settings.timeout_seconds,
            transport=_Headers(transport, sent),
        )
        watch(self._client)

    async def search(self, text: str) -> tuple[Page, ...]:
        """Up to PAGES pages, best first. Raises SearchFailed."""
        attempts = AsyncRetrying(
            stop=self._give_up,
            wait=self._pause,
            before_sleep=lambda _: self._stages.note(RETRY_STARTED),
            retry=retry_if_exception(_may_pass),
            reraise=True,
        )
        pages: tuple[Page, ...] = await attempts(self._search_once, text)
        return pages

    def _give_up(self, state: RetryCallState) -> bool:
        """After the last attempt, or when the server asks for more patience than there is."""
        asked = _retry_after(state)
        patience = self._settings.timeout_seconds - (state.seconds_since_start or 0)
        return stop_after_attempt(self._settings.attempts)(state) or (asked or 0) > patience

    def _pause(self, state: RetryCallState) -> float:
        asked = _retry_after(state)
        return asked if asked is not None else wait_random_exponential(0.05, 0.5)(state)

    async def _search_once(self, text: str) -> tuple[Page, ...]:
        query = {"q": text[:MAX_QUERY], "limit": str(PAGES)}
        try:
            call = self._client.stream("GET", self._url, params=query, extensions=self._named)
            async with call as response:
                if response.status_code != httpx.codes.OK:
                    raise SearchRefused(response.status_code, _seconds(response))
                body = await _bounded(response)
        except httpx.TimeoutException as error:
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


def _proxy(url: str) -> str | None:
    """The proxy that HTTPS_PROXY and the like name; httpx asks them for its own transport only."""
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
    """Retry-After in seconds; dates, which this API does not send, are not read."""
    value = response.headers.get("Retry-After", "")
    return float(value) if value.isdecimal() and len(value) < 7 else None


def _retry_after(state: RetryCallState) -> float | None:
    error = state.outcome.exception() if state.outcome else None
    return error.retry_after if isinstance(error, SearchRefused) else None


def _may_pass(error: BaseException) -> bool:
    if isinstance(error, SearchRefused):
        return error.status == httpx.codes.TOO_MANY_REQUESTS or error.status >= 500
    return isinstance(error, SearchUnreachable | SearchTimeout)
