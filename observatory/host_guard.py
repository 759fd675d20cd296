"""Host and Origin checks (DNS rebinding, cross-site requests)."""

from collections.abc import Callable

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from observatory.settings import ObservatorySettings

ALWAYS = {"localhost", "127.0.0.1", "::1"}
OTHER_ORIGINS = {"cross-site", "same-site"}


class HostGuard:
    """Middleware: rejects requests that a browser makes for another origin's page.

    The Host header shows DNS rebinding (421); Sec-Fetch-Site shows cross-site requests (403),
    except links to pages. gRPC needs no such check: browsers do not speak HTTP/2 without TLS.
    """

    def __init__(
        self,
        app: ASGIApp,
        settings: ObservatorySettings,
        opens: Callable[[str], bool] = lambda _: False,
    ) -> None:
        """`opens(path)`: whether pages of other origins may link to this path."""
        self._app = app
        self._opens = opens
        more = {each.strip().lower() for each in settings.hosts.split(",") if each.strip()}
        self._names = ALWAYS | {settings.host.lower()} | more

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name: value.decode("latin-1").lower() for name, value in scope["headers"]}
        if _hostname(headers) not in self._names:
            message = "Unknown Host header. Add the name to OBSERVATORY_HOSTS to allow it."
            await PlainTextResponse(message + "\n", 421)(scope, receive, send)
        elif headers.get(b"sec-fetch-site") in OTHER_ORIGINS and not (
            _is_navigation(headers) and self._opens(scope["path"])
        ):
            message = "Cross-origin request refused: other origins may only link to pages."
            await PlainTextResponse(message + "\n", 403)(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _hostname(headers: dict[bytes, str]) -> str:
    host = headers.get(b"host", "localhost")
    return host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]


def _is_navigation(headers: dict[bytes, str]) -> bool:
    return (
        headers.get(b"sec-fetch-mode") == "navigate"
        and headers.get(b"sec-fetch-dest") == "document"
    )
