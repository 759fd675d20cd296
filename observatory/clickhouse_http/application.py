"""The application behind port 8123: what clients of ClickHouse ask over HTTP.

Anybody may read; who has the token may also create and insert, as a collector's exporter does.
Each request stands for itself: there are no sessions and no temporary tables.
"""

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import QueryParams
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Scope

from observatory.body_limits import BoundedAnswers, body
from observatory.clickhouse_http import responses
from observatory.clickhouse_http.driver_handshake import hello, is_hello
from observatory.clickhouse_http.request import Asked, Refusal, asked, may_write, too_large
from observatory.composition import Parts
from observatory.decompression import Damaged, TooLarge
from observatory.host_guard import HostGuard
from observatory.memory_budget import take
from observatory.query.query_settings import literal_settings
from observatory.query.reader import TooMany
from observatory.query.statements import NotAllowed, check_values, reading, writing
from observatory.store.engine import EngineError, Result

READER_BYTES, WRITER_BYTES = 1 << 20, 128 << 20
"""Of a body."""
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
            sent = await _sent(request, most)
            return await run_in_threadpool(_answer, parts, writer, request, sent)
        except Refusal as refusal:
            return _refused(request.query_params, refusal)

    return Starlette(
        routes=[
            Route("/ping", ping),
            Route("/", statement, methods=["GET", "POST"]),
        ],
        middleware=[
            Middleware(HostGuard, parts.settings),
            Middleware(BoundedAnswers, parts.budget, _busy),
        ],
    )


def _busy(scope: Scope) -> Response:
    refusal = Refusal(503, 241, "MEMORY_LIMIT_EXCEEDED", "no memory for this now; ask again")
    return _refused(QueryParams(scope["query_string"]), refusal)


def _refused(query: QueryParams, refusal: Refusal) -> Response:
    query_id = responses.query_id_of(query.get("query_id", ""))
    return responses.refused(refusal, query_id, framed=query.get("compress") == "1")


async def _sent(request: Request, most: int) -> bytes:
    try:
        return await body(request, most)
    except TooLarge as error:
        raise too_large(most) from error
    except Damaged as error:
        raise Refusal(400, 210, "NETWORK_ERROR", str(error)) from error


def _answer(parts: Parts, writer: bool, request: Request, sent: bytes) -> Response:
    most = WRITER_BYTES if writer else READER_BYTES
    question = asked(request.query_params, request.headers, sent, most)
    take(len(question.data))
    query_id = responses.query_id_of(request.query_params.get("query_id", ""))
    if not question.sql.strip():
        return PlainTextResponse("Ok.\n")
    try:
        if is_hello(question.sql, question.protocol):
            version = parts.engine.run("SELECT version()").decode().strip()
            found, output = Result(hello(version, question.protocol), rows=1), "Native"
        elif writer:
            found, output = _written(parts, question)
        else:
            found, output = _read(parts, question)
    except NotAllowed as error:
        raise Refusal(
            403, 164, "READONLY", f"{error}{'' if writer else '; the token may write'}"
        ) from error
    except TooMany as error:
        raise Refusal(503, 202, "TOO_MANY_SIMULTANEOUS_QUERIES", str(error)) from error
    except EngineError as error:
        return responses.failed(error, query_id, framed=question.framed)
    packing = responses.packing_of(request.query_params, request.headers)
    return responses.result(found, output, query_id, framed=question.framed, packing=packing)


def _read(parts: Parts, question: Asked) -> tuple[Result, str]:
    """The result and its format."""
    statement = reading(parts.engine, question.sql, question.database)
    output = statement.format or question.format
    given = (question.parameters, question.database, question.settings)
    return parts.programs.result(statement.text, output, *given), output


def _written(parts: Parts, question: Asked) -> tuple[Result, str]:
    """The result and its format; of an INSERT neither."""
    engine = parts.engine
    statement = writing(engine, question.sql)
    settings = literal_settings(question.settings)
    given = (question.parameters, question.database, settings)
    if statement.verb != "INSERT":
        output = statement.format or question.format
        return engine.write(statement.text, output, *given), output
    if statement.format is None or statement.selects:
        return engine.write(statement.text, "TSV", *given), ""
    if question.data.strip():
        if statement.format == "Values" and not check_values(engine, question.data):
            settings |= LITERALS_ONLY
        form = statement.format
        rows = [question.data]
        return engine.insert(statement.text, rows, question.database, form, settings), ""
    return Result(b""), ""
