"""Routes of the JSON API."""

import json
from collections.abc import Callable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.routing import Route

from observatory.body_limits import body
from observatory.compression import BodyError, TooLarge
from observatory.runs.export_route import export_route
from observatory.runs.stored_runs import run_list
from observatory.ui import (
    charts,
    diagnose_view,
    facets,
    groups,
    health_view,
    heat_map,
    log_list,
    metrics,
    model_view,
    time_spent,
    trace_list,
)
from observatory.ui.compare_view import comparison
from observatory.ui.parameters import Parameters
from observatory.ui.queries import Queries
from observatory.ui.responses import JsonResponse, Problem, invalid
from observatory.ui.sql_view import reports, run_statement
from observatory.ui.stored_totals import stored_totals
from observatory.ui.trace_rows import raw_trace
from observatory.ui.trace_view import whole_trace

MAX_BODY_BYTES = 64 << 10
"""Bytes."""
EXAMPLE = '{"query": "SELECT …"}'
View = Callable[[Queries, Parameters], Any]


def routes(queries: Queries) -> list[Route]:
    """The API's routes; blocking views run in Starlette's thread pool."""
    return [
        _list(queries, "/api/traces", trace_list.traces, trace_list.KNOWN),
        _one(queries, "/api/traces/{trace_id}", whole_trace),
        _one(queries, "/api/traces/{trace_id}/raw", raw_trace),
        _list(queries, "/api/charts", charts.charts, charts.KNOWN),
        _list(queries, "/api/heatmap", heat_map.heat_map, heat_map.KNOWN),
        _list(queries, "/api/groups", groups.groups, groups.KNOWN),
        _list(queries, "/api/time-spent", time_spent.time_spent, time_spent.KNOWN),
        _list(queries, "/api/facets", facets.facets, facets.KNOWN),
        _list(queries, "/api/facets/values", facets.facet_values, facets.KNOWN_OF_VALUES),
        _list(queries, "/api/logs", log_list.log_records, log_list.KNOWN),
        _list(queries, "/api/reports", lambda queries, _: reports(opened=queries.parts.opened), ()),
        _list(queries, "/api/metrics", metrics.metrics, metrics.KNOWN),
        _list(queries, "/api/metrics/series", metrics.series, metrics.KNOWN_OF_SERIES),
        _list(queries, "/api/health", health_view.health_now, health_view.KNOWN),
        _list(queries, "/api/diagnose", diagnose_view.diagnosis, diagnose_view.KNOWN),
        _list(queries, "/api/runbook", health_view.runbook_section, health_view.KNOWN_OF_RUNBOOK),
        _list(queries, "/api/status", lambda queries, _: stored_totals(queries), ()),
        _list(queries, "/api/runs", lambda queries, _: run_list(queries), ()),
        export_route(queries),
        _list(queries, "/api/model", model_view.model, model_view.KNOWN),
        _list(queries, "/api/models", lambda queries, _: model_view.versions(queries), ()),
        _change(queries, "/api/models/rollback"),
        _change(queries, "/api/models/{version}/promote"),
        _compare(queries),
        _sql(queries),
    ]


def _list(queries: Queries, path: str, view: View, known: tuple[str, ...]) -> Route:
    def endpoint(request: Request) -> JsonResponse:
        return JsonResponse(view(queries, Parameters.of(request.query_params, known)))

    return Route(path, endpoint)


def _one(queries: Queries, path: str, view: Callable[[Queries, str], Any]) -> Route:
    def endpoint(request: Request) -> JsonResponse:
        Parameters.of(request.query_params, ())
        return JsonResponse(view(queries, request.path_params["trace_id"]))

    return Route(path, endpoint)


def _compare(queries: Queries) -> Route:
    def endpoint(request: Request) -> JsonResponse:
        return JsonResponse(comparison(queries, request.query_params))

    return Route("/api/compare", endpoint)


def _change(queries: Queries, path: str) -> Route:
    """Forwards a change of the serving model; without the service's token the service refuses."""

    async def endpoint(request: Request) -> JsonResponse:
        Parameters.of(request.query_params, ())
        given = _object(await _body(request), '{"by": "…", "reason": "…"}')
        version = request.path_params.get("version")
        token = request.headers.get("authorization", "")
        return JsonResponse(
            await run_in_threadpool(model_view.change, queries, version, given, token)
        )

    return Route(path, endpoint, methods=["POST"])


def _sql(queries: Queries) -> Route:
    async def endpoint(request: Request) -> JsonResponse:
        Parameters.of(request.query_params, ())
        sql = _query(await _body(request))
        return JsonResponse(await run_in_threadpool(run_statement, queries, sql))

    return Route("/api/sql", endpoint, methods=["POST"])


async def _body(request: Request) -> bytes:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":  # others can be sent cross-origin without preflight
        raise Problem(415, "media-type", "Unsupported media type", "Send application/json.")
    try:
        return await body(request, MAX_BODY_BYTES)
    except TooLarge as error:
        detail = f"Send at most {MAX_BODY_BYTES:,} bytes."
        raise Problem(413, "too-large", "The body is too large", detail) from error
    except BodyError as error:
        raise Problem(
            400, "broken-off", "The body is incomplete", "Send the complete body."
        ) from error


def _object(content: bytes, example: str) -> dict[str, Any]:
    try:
        value = json.loads(content.decode())
    except (ValueError, RecursionError) as error:
        raise invalid("body", f"is not valid JSON; send {example}") from error
    if not isinstance(value, dict):
        raise invalid("body", f"must be {example}")
    return value


def _query(content: bytes) -> str:
    value = _object(content, EXAMPLE)
    query = value.get("query") if len(value) == 1 else None
    if not isinstance(query, str):
        raise invalid("body", f"must be {EXAMPLE}")
    if not query.strip():
        raise invalid("query", "is empty; try SELECT * FROM spans LIMIT 10")
    return query
