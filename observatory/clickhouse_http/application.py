"""ClickHouse's HTTP interface (port 8123) over the embedded engine.

Reading needs no password; with the write token a client may also create tables and insert, as the
Collector's exporter does. Requests are stateless: no sessions, no temporary tables.
"""

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import QueryParams
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Scope

from observatory.body_limits import BoundedResponses, body
from observatory.clickhouse_http import responses
from observatory.clickhouse_http.driver_handshake import handshake, is_handshake
from observatory.clickhouse_http.request import (
    Refusal,
    StatementRequest,
    may_write,
    parse_request,
    too_large,
)
from observatory.composition import Parts
from observatory.compression import BodyError, TooLarge
from observatory.host_guard import HostGuard
from observatory.memory_budget import reserve
from observatory.query.query_settings import literal_settings
from observatory.query.reader import TooManyQueries
from observatory.query.statements import (
    NotAllowed,
    check_values,
    parse_reader_statement,
    parse_writer_statement,
)
from observatory.store.engine import EngineError, Result

READER_BYTES, WRITER_BYTES = 1 << 20, 128 << 20
"""Largest request body."""
LITERALS_ONLY = {"input_format_values_interpret_expressions": 0}


def clickhouse_http(parts: Parts) -> Starlette:
    """The application."""

    async def ping(_: Request) -> Response:
        return PlainTextResponse("Ok.\n")

    async def statement(request: Request) -> Response:
        try:
            token = parts.settings.write_token.get_secret_value()
            writer = may_write(request.query_params, request.headers, token)
            most = WRITER_BYTES if writer else READER_BYTES
            content = await _body(request, most)
            return await run_in_threadpool(_execute, parts, writer, request, content)
        except Refusal as refusal:
            return _refused(request.query_params, refusal)

    return Starlette(
        routes=[
            Route("/ping", ping),
            Route("/", statement, methods=["GET", "POST"]),
        ],
        middleware=[
            Middleware(HostGuard, parts.settings),
            Middleware(BoundedResponses, parts.budget, _unavailable),
        ],
    )


def _unavailable(scope: Scope, stopping: bool) -> Response:
    refusal = Refusal(503, 241, "MEMORY_LIMIT_EXCEEDED", "out of memory at the moment; retry")
    if stopping:
        refusal = Refusal(503, 236, "ABORTED", "the observatory is stopping")
    return _refused(QueryParams(scope["query_string"]), refusal)


def _refused(query: QueryParams, refusal: Refusal) -> Response:
    query_id = responses.query_id_of(query.get("query_id", ""))
    return responses.refused(refusal, query_id, framed=query.get("compress") == "1")


async def _body(request: Request, most: int) -> bytes:
    try:
        return await body(request, most)
    except TooLarge as error:
        raise too_large(most) from error
    except BodyError as error:
        raise Refusal(400, 210, "NETWORK_ERROR", str(error)) from error


def _execute(parts: Parts, writer: bool, request: Request, content: bytes) -> Response:
    most = WRITER_BYTES if writer else READER_BYTES
    statement_request = parse_request(request.query_params, request.headers, content, most)
    reserve(len(statement_request.data))
    query_id = responses.query_id_of(request.query_params.get("query_id", ""))
    if not statement_request.sql.strip():
        return PlainTextResponse("Ok.\n")
    try:
        if is_handshake(statement_request.sql, statement_request.protocol):
            version = parts.engine.run("SELECT version()").decode().strip()
            found, output = Result(handshake(version, statement_request.protocol), rows=1), "Native"
        elif writer:
            found, output = _write(parts, statement_request)
        else:
            found, output = _read(parts, statement_request)
    except NotAllowed as error:
        raise Refusal(
            403,
            164,
            "READONLY",
            f"{error}{'' if writer else '; writing needs the token'}",
        ) from error
    except TooManyQueries as error:
        raise Refusal(503, 202, "TOO_MANY_SIMULTANEOUS_QUERIES", str(error)) from error
    except EngineError as error:
        return responses.failed(error, query_id, framed=statement_request.framed)
    encoding = responses.content_encoding(request.query_params, request.headers)
    return responses.result(
        found, output, query_id, framed=statement_request.framed, encoding=encoding
    )


def _read(parts: Parts, statement_request: StatementRequest) -> tuple[Result, str]:
    """The result and its format."""
    statement = parse_reader_statement(
        parts.engine, statement_request.sql, statement_request.database
    )
    output = statement.format or statement_request.format
    arguments = (
        statement_request.parameters,
        statement_request.database,
        statement_request.settings,
    )
    return parts.clickhouse_reader.result(statement.text, output, *arguments), output


def _write(parts: Parts, statement_request: StatementRequest) -> tuple[Result, str]:
    """The result and its format; both are empty for an INSERT."""
    engine = parts.engine
    statement = parse_writer_statement(engine, statement_request.sql)
    settings = literal_settings(statement_request.settings)
    arguments = (statement_request.parameters, statement_request.database, settings)
    if statement.verb != "INSERT":
        output = statement.format or statement_request.format
        return engine.write(statement.text, output, *arguments), output
    if statement.format is None or statement.selects:
        return engine.write(statement.text, "TSV", *arguments), ""
    if statement_request.data.strip():
        if statement.format == "Values" and not check_values(engine, statement_request.data):
            settings |= LITERALS_ONLY
        form = statement.format
        rows = [statement_request.data]
        return engine.insert(statement.text, rows, statement_request.database, form, settings), ""
    return Result(b""), ""
