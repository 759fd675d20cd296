"""Hides private data of a request from the server instrumentation.

The instrumentation would put the query, the client's address and its user agent on the span, and
searches all headers eight times. So they are removed from the ASGI scope outside of it, and
restored inside. A proxy's path prefix is removed too: untraced paths are matched without it.
"""

from opentelemetry import context
from opentelemetry.context import Context
from opentelemetry.propagate import get_global_textmap
from starlette.types import ASGIApp, Receive, Scope, Send

_ORIGINAL = "telemetry.taken"
_REPLACED = ("headers", "query_string", "client", "path", "root_path")


class MinimalScope:
    """ASGI middleware around the instrumentation; `restore` must be called inside of it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app  # FastAPI's instrumentation follows this attribute to find itself
        self._needed = {name.lower().encode() for name in get_global_textmap().fields}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            original = {name: scope[name] for name in _REPLACED if name in scope}
            headers = [each for each in scope["headers"] if each[0] in self._needed]
            scope.update(
                {_ORIGINAL: original, "headers": headers, "query_string": b"", "client": None}
            )
            scope.update({"path": route_path(scope), "root_path": ""})
        token = context.attach(Context())  # the task's context may be of an earlier request
        try:
            await self.app(scope, receive, send)
        finally:
            context.detach(token)


def restore(scope: Scope) -> None:
    """Restore the scope of a request."""
    scope.update(scope.pop(_ORIGINAL, {}))


def route_path(scope: Scope) -> str:
    """The path without the prefix under which a proxy serves the application (`root_path`)."""
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    return path.removeprefix(root) if path.startswith(f"{root}/") else path
