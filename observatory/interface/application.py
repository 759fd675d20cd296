"""The application behind port 8123: what clients of ClickHouse ask over HTTP.

Anybody may read; who has the token may also create and insert, as a collector's exporter does.
Sessions, temporary tables and settings are not to be had: each request stands for itself.
"""

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from observatory.asked_for import AskedFor
from observatory.bodies import body
from observatory.engine import EngineError
from observatory.interface import answers
from observatory.interface.asked import Asked, Refusal, asked, may_write, too_large
from observatory.interface.hello import hello, is_hello
from observatory.reading import TooMany
from observatory.running import Parts
from observatory.statements import READING, NotAllowed, parsed, reading
from observatory.unpacking import Damaged, TooLarge

READER_BYTES, WRITER_BYTES = 1 << 20, 128 << 20
"""Of a body."""
WRITING = (*READING, "CREATE", "INSERT", "ALTER", "TRUNCATE", "DROP", "RENAME", "OPTIMIZE")


def clickhouse_http(parts: Parts) -> Starlette:
    """The application."""

    async def ping(_: Request) -> Response:
        return PlainTextResponse("Ok.\n")

    async def statement(request: Request) -> Response:
        try:
            writer = may_write(
                request.query_params,
                request.headers,
                parts.settings.write_token.get_secret_value(),
            )
            most = WRITER_BYTES if writer else READER_BYTES
            return await run_in_threadpool(
                _answer, parts, writer, request, await _sent(request, most)
            )
        except Refusal as refusal:
            framed = request.query_params.get("compress") == "1"
            return answers.refused(refusal, framed=framed)

    return Starlette(
        routes=[
            Route("/ping", ping),
            Route("/", statement, methods=["GET", "POST"]),
        ],
        middleware=[Middleware(AskedFor, parts.settings)],
    )


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
    if not question.sql.strip():
        return PlainTextResponse("Ok.\n")
    if is_hello(question.sql, question.protocol):
        version = parts.engine.run("SELECT version()").decode().strip()
        return answers.result(hello(version, question.protocol), "Native", question)
    try:
        return _written(parts, question) if writer else _read(parts, question)
    except NotAllowed as error:
        raise Refusal(403, 164, "READONLY", f"{error}; the token may write") from error
    except TooMany as error:
        raise Refusal(503, 202, "TOO_MANY_SIMULTANEOUS_QUERIES", str(error)) from error
    except EngineError as error:
        return answers.failed(error, question)


def _read(parts: Parts, question: Asked) -> Response:
    statement = reading(parts.engine, question.sql, question.database)
    output = statement.format or question.format
    result = parts.programs.query(statement.text, output, question.parameters, question.database)
    return answers.result(result, output, question)


def _written(parts: Parts, question: Asked) -> Response:
    statement = parsed(parts.engine, question.sql)
    output = statement.format or question.format
    if statement.verb not in WRITING or statement.text.startswith("CREATE TEMPORARY"):
        raise NotAllowed(f"{statement.verb} is not for requests that stand for themselves")
    if statement.verb != "INSERT":
        result = parts.engine.write(statement.text, output, question.parameters, question.database)
        return answers.result(result, output, question)
    if statement.format == "Native":
        parts.engine.insert(statement.text, [question.data], question.database)
    elif question.data:
        said = "send rows as Native, or as VALUES in the statement"
        raise Refusal(400, 73, "UNKNOWN_FORMAT", f"{said}, not {statement.format}")
    else:
        parts.engine.write(question.sql, output, question.parameters, question.database)
    return answers.inserted()
