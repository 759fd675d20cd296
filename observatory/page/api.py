"""The API behind the page: addresses, and what is asked of each."""

import json
from collections.abc import Callable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.routing import Route

from observatory.bodies import body
from observatory.page import charts, facets, log_records, traces
from observatory.page.answers import Answer
from observatory.page.asking import Asked
from observatory.page.looking import Looking
from observatory.page.one_trace import whole_trace
from observatory.page.problems import Problem, invalid
from observatory.page.reports import reports
from observatory.page.statement import answered
from observatory.page.stored import stored
from observatory.page.trace_rows import raw_trace
from observatory.unpacking import Damaged, TooLarge

LARGEST_BODY = 64 << 10
"""Bytes."""
EXAMPLE = '{"query": "SELECT …"}'
View = Callable[[Looking, Asked], Any]


def routes(looking: Looking) -> list[Route]:
    """The API's addresses; what blocks runs on Starlette's threads."""
    return [
        _list(looking, "/api/traces", traces.traces, traces.KNOWN),
        _one(looking, "/api/traces/{trace_id}", whole_trace),
        _one(looking, "/api/traces/{trace_id}/raw", raw_trace),
        _list(looking, "/api/charts", charts.charts, charts.KNOWN),
        _list(looking, "/api/facets", facets.facets, facets.KNOWN),
        _list(looking, "/api/facets/values", facets.facet_values, facets.KNOWN_OF_VALUES),
        _list(looking, "/api/logs", log_records.log_records, log_records.KNOWN),
        _list(looking, "/api/reports", lambda *_: reports(), ()),
        _list(looking, "/api/status", lambda looking, _: stored(looking), ()),
        _sql(looking),
    ]


def _list(looking: Looking, path: str, view: View, known: tuple[str, ...]) -> Route:
    def endpoint(request: Request) -> Answer:
        return Answer(view(looking, Asked.of(request.query_params, known)))

    return Route(path, endpoint)


def _one(looking: Looking, path: str, view: Callable[[Looking, str], Any]) -> Route:
    def endpoint(request: Request) -> Answer:
        Asked.of(request.query_params, ())
        return Answer(view(looking, request.path_params["trace_id"]))

    return Route(path, endpoint)


def _sql(looking: Looking) -> Route:
    async def endpoint(request: Request) -> Answer:
        Asked.of(request.query_params, ())
        sql = _query(await _sent(request))
        return Answer(await run_in_threadpool(answered, looking, sql))

    return Route("/api/sql", endpoint, methods=["POST"])


async def _sent(request: Request) -> bytes:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":  # a page elsewhere could send others without being asked
        raise Problem(415, "media-type", "Not this kind of body", "Send application/json.")
    try:
        return await body(request, LARGEST_BODY)
    except TooLarge as error:
        most = f"Send {LARGEST_BODY:,} bytes at most."
        raise Problem(413, "too-large", "The body is too large", most) from error
    except Damaged as error:
        raise Problem(400, "broken-off", "The body broke off", "Send all of it.") from error


def _query(sent: bytes) -> str:
    try:
        content = json.loads(sent.decode())
    except (ValueError, RecursionError) as error:
        raise invalid("body", f"is no JSON; send {EXAMPLE}") from error
    query = content.get("query") if isinstance(content, dict) and len(content) == 1 else None
    if not isinstance(query, str):
        raise invalid("body", f"is not {EXAMPLE}")
    if not query.strip():
        raise invalid("query", "is empty; try SELECT * FROM spans LIMIT 10")
    return query
