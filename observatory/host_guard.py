"""Host and Origin checks (DNS rebinding, cross-site requests)."""

from collections.abc import Callable

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from observatory.settings import ObservatorySettings

ALWAYS = {"localhost", "127.0.0.1", "::1"}
ELSEWHERE = {"cross-site", "same-site"}


class HostGuard:
    """Refuses what browsers do for pages of other origins; a link may open a page of ours.

    A name of theirs that leads here shows in the Host header (DNS rebinding), their scripts and
    pictures in Sec-Fetch-Site. gRPC needs no such check: no browser speaks HTTP/2 without TLS.
    """

    def __init__(
        self,
        app: ASGIApp,
        settings: ObservatorySettings,
        opens: Callable[[str], bool] = lambda _: False,
    ) -> None:
        """`opens`: whether a link from elsewhere may lead to a path."""
        self._app = app
        self._opens = opens
        more = {each.strip().lower() for each in settings.hosts.split(",") if each.strip()}
        self._names = ALWAYS | {settings.host.lower()} | more

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name: value.decode("latin-1").lower() for name, value in scope["headers"]}
        if _named(headers) not in self._names:
            said = "This is asked for by another name than its own; OBSERVATORY_HOSTS allows more."
            await PlainTextResponse(said + "\n", 421)(scope, receive, send)
        elif headers.get(b"sec-fetch-site") in ELSEWHERE and not (
            _navigates(headers) and self._opens(scope["path"])
        ):
            said = "Pages of other origins may link to pages here, and that is all."
            await PlainTextResponse(said + "\n", 403)(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _named(headers: dict[bytes, str]) -> str:
    host = headers.get(b"host", "localhost")
    return host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]


def _navigates(headers: dict[bytes, str]) -> bool:
    return (
        headers.get(b"sec-fetch-mode") == "navigate"
        and headers.get(b"sec-fetch-dest") == "document"
    )
