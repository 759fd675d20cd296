"""The API behind the page: addresses, and what is asked of each."""

import json
from collections.abc import Callable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.routing import Route

from observatory.body_limits import body
from observatory.decompression import Damaged, TooLarge
from observatory.ui import charts, facets, log_list, trace_list
from observatory.ui.parameters import Asked
from observatory.ui.queries import Queries
from observatory.ui.responses import Answer, Problem, invalid
from observatory.ui.sql_view import answered, reports
from observatory.ui.stored_totals import stored
from observatory.ui.trace_rows import raw_trace
from observatory.ui.trace_view import whole_trace

LARGEST_BODY = 64 << 10
"""Bytes."""
EXAMPLE = '{"query": "SELECT …"}'
View = Callable[[Queries, Asked], Any]


def routes(queries: Queries) -> list[Route]:
    """The API's addresses; what blocks runs on Starlette's threads."""
    return [
        _list(queries, "/api/traces", trace_list.traces, trace_list.KNOWN),
        _one(queries, "/api/traces/{trace_id}", whole_trace),
        _one(queries, "/api/traces/{trace_id}/raw", raw_trace),
        _list(queries, "/api/charts", charts.charts, charts.KNOWN),
        _list(queries, "/api/facets", facets.facets, facets.KNOWN),
        _list(queries, "/api/facets/values", facets.facet_values, facets.KNOWN_OF_VALUES),
        _list(queries, "/api/logs", log_list.log_records, log_list.KNOWN),
        _list(queries, "/api/reports", lambda *_: reports(), ()),
        _list(queries, "/api/status", lambda queries, _: stored(queries), ()),
        _sql(queries),
    ]


def _list(queries: Queries, path: str, view: View, known: tuple[str, ...]) -> Route:
    def endpoint(request: Request) -> Answer:
        return Answer(view(queries, Asked.of(request.query_params, known)))

    return Route(path, endpoint)


def _one(queries: Queries, path: str, view: Callable[[Queries, str], Any]) -> Route:
    def endpoint(request: Request) -> Answer:
        Asked.of(request.query_params, ())
        return Answer(view(queries, request.path_params["trace_id"]))

    return Route(path, endpoint)


def _sql(queries: Queries) -> Route:
    async def endpoint(request: Request) -> Answer:
        Asked.of(request.query_params, ())
        sql = _query(await _sent(request))
        return Answer(await run_in_threadpool(answered, queries, sql))

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
