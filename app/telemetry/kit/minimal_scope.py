"""What the server instrumentation sees of a request: what it needs, and nothing typed.

It looks through all headers eight times, and would put the query, the client's address and its
program on the span. So they are taken out of the scope before it, and put back behind it. A
proxy's prefix too, as it would hide which paths are left out of traces.
"""

from opentelemetry import context
from opentelemetry.context import Context
from opentelemetry.propagate import get_global_textmap
from starlette.types import ASGIApp, Receive, Scope, Send

_TAKEN = "telemetry.taken"
_REPLACED = ("headers", "query_string", "client", "path", "root_path")


class MinimalScope:
    """ASGI middleware around the instrumentation; `restore` must be called inside of it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app  # FastAPI looks for the instrumentation along this name
        self._needed = {name.lower().encode() for name in get_global_textmap().fields}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            taken = {name: scope[name] for name in _REPLACED if name in scope}
            headers = [each for each in scope["headers"] if each[0] in self._needed]
            scope.update({_TAKEN: taken, "headers": headers, "query_string": b"", "client": None})
            scope.update({"path": route_path(scope), "root_path": ""})
        token = context.attach(Context())  # what came before on this connection is another request
        try:
            await self.app(scope, receive, send)
        finally:
            context.detach(token)


def restore(scope: Scope) -> None:
    """Give a request back what was taken."""
    scope.update(scope.pop(_TAKEN, {}))


def route_path(scope: Scope) -> str:
    """The path without the prefix under which a proxy serves the application (`root_path`)."""
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    return path.removeprefix(root) if path.startswith(f"{root}/") else path
