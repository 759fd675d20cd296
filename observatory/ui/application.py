"""The page's web application: a shell with its files, and the API behind it."""

import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from observatory.body_limits import BoundedAnswers
from observatory.composition import Parts
from observatory.host_guard import HostGuard
from observatory.query.reader import TooMany
from observatory.query.statements import NotAllowed
from observatory.store.engine import EngineError
from observatory.ui import api, static_files
from observatory.ui.queries import Queries
from observatory.ui.responses import Problem, refused


def page(parts: Parts, clock: Callable[[], int] = time.time_ns) -> Starlette:
    """The application; `clock` tells nanoseconds since 1970."""
    handlers: dict[Any, Any] = {
        Problem: _problem,
        EngineError: _refused,
        NotAllowed: _refused,
        TooMany: _refused,
        HTTPException: _http,
        Exception: _unexpected,
    }
    return Starlette(
        routes=[*api.routes(Queries(parts, clock)), *static_files.routes()],
        middleware=[
            Middleware(HostGuard, parts.settings, lambda path: not path.startswith("/api/")),
            Middleware(BoundedAnswers, parts.budget, _busy),
        ],
        exception_handlers=handlers,
    )


def _busy(_: Scope) -> Response:
    detail = "Too much is held at the moment; ask again, or for less."
    return Problem(503, "busy", "No memory for the answer", detail).answer()


async def _problem(_: Request, error: Problem) -> Response:
    return error.answer()


async def _refused(_: Request, error: EngineError | NotAllowed | TooMany) -> Response:
    return refused(error).answer()


async def _http(_: Request, error: HTTPException) -> Response:
    phrase = HTTPStatus(error.status_code).phrase
    name = phrase.lower().replace(" ", "-")
    detail = "There is nothing here; the page starts at /."
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        detail = f"Ask with {(error.headers or {}).get('Allow', 'another method')}."
    answer = Problem(error.status_code, name, phrase, detail).answer()
    answer.headers.update(error.headers or {})
    return answer


async def _unexpected(_: Request, __: Exception) -> Response:
    detail = "The observatory could not answer; its log says why. Please report it."
    return Problem(500, "internal", "Unexpected", detail).answer()
