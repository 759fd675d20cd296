"""Whom a request asks for: a page elsewhere, whose name leads here, must not read what is kept."""

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from observatory.settings import ObservatorySettings

ALWAYS = {"localhost", "127.0.0.1", "::1"}


class AskedFor:
    """Refuses requests whose Host header names another machine (DNS rebinding)."""

    def __init__(self, app: ASGIApp, settings: ObservatorySettings) -> None:
        self._app = app
        more = {each.strip().lower() for each in settings.hosts.split(",") if each.strip()}
        self._names = ALWAYS | {settings.host.lower()} | more

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self._named(scope) in self._names:
            await self._app(scope, receive, send)
            return
        said = "This is asked for by another name than its own; OBSERVATORY_HOSTS allows more.\n"
        await PlainTextResponse(said, 421)(scope, receive, send)

    @staticmethod
    def _named(scope: Scope) -> str:
        headers: dict[bytes, bytes] = dict(scope["headers"])
        host = headers.get(b"host", b"localhost").decode("latin-1").lower()
        if host.startswith("["):
            return host[1:].partition("]")[0]
        return host.partition(":")[0]
