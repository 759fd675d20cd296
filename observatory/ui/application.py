"""The web application of the pages: HTML, static files, the JSON API and its error handlers."""

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

from observatory.body_limits import BoundedResponses
from observatory.composition import Parts
from observatory.host_guard import HostGuard
from observatory.query.reader import TooManyQueries
from observatory.query.statements import NotAllowed
from observatory.store.engine import EngineError
from observatory.ui import api, static_files
from observatory.ui.queries import Queries
from observatory.ui.responses import Problem, query_problem, stopping


def page(parts: Parts, clock: Callable[[], int] = time.time_ns) -> Starlette:
    """The application; `clock` returns nanoseconds since 1970."""
    handlers: dict[Any, Any] = {
        Problem: _problem,
        EngineError: _query_error,
        NotAllowed: _query_error,
        TooManyQueries: _query_error,
        HTTPException: _http,
        Exception: _unexpected,
    }
    return Starlette(
        routes=[*api.routes(Queries(parts, clock)), *static_files.routes()],
        middleware=[
            Middleware(HostGuard, parts.settings, lambda path: not path.startswith("/api/")),
            Middleware(BoundedResponses, parts.budget, _unavailable),
        ],
        exception_handlers=handlers,
    )


def _unavailable(_: Scope, is_stopping: bool) -> Response:
    if is_stopping:
        return stopping().response()
    detail = "Out of memory at the moment. Retry, or ask for less data."
    return Problem(503, "busy", "Out of memory", detail).response()


async def _problem(_: Request, error: Problem) -> Response:
    return error.response()


async def _query_error(_: Request, error: EngineError | NotAllowed | TooManyQueries) -> Response:
    return query_problem(error).response()


async def _http(request: Request, error: HTTPException) -> Response:
    phrase = HTTPStatus(error.status_code).phrase
    is_page = "text/html" in request.headers.get("accept", "")
    if error.status_code == HTTPStatus.NOT_FOUND and is_page:
        return static_files.missing_page()
    name = phrase.lower().replace(" ", "-")
    detail = "No such page; start at /."
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        detail = f"Use {(error.headers or {}).get('Allow', 'another method')}."
    answer = Problem(error.status_code, name, phrase, detail).response()
    answer.headers.update(error.headers or {})
    return answer


async def _unexpected(_: Request, __: Exception) -> Response:
    detail = "Internal error; see the log of the observatory. Please report it."
    return Problem(500, "internal", "Internal server error", detail).response()
