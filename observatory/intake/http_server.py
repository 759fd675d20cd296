"""OTLP over HTTP: protobuf or JSON, optionally gzipped."""

from collections.abc import Awaitable, Callable
from typing import Any

from google.rpc import code_pb2
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Scope

from observatory.body_limits import BoundedResponses, body
from observatory.compression import GZIP, BodyError, TooLarge, inflate
from observatory.host_guard import HostGuard
from observatory.intake.otlp_json import from_protobuf, to_protobuf
from observatory.intake.otlp_responses import response, status
from observatory.intake.receiver import (
    RETRY_SECONDS,
    SIGNALS,
    Busy,
    Intake,
    Signal,
    Unavailable,
    Undecodable,
)
from observatory.settings import ObservatorySettings

PROTOBUF, JSON = "application/x-protobuf", "application/json"

CODES = {
    Undecodable: (400, code_pb2.INVALID_ARGUMENT),
    Busy: (429, code_pb2.RESOURCE_EXHAUSTED),
    Unavailable: (503, code_pb2.UNAVAILABLE),
}
"""HTTP status and gRPC code of each error."""


class _HttpError(Exception):
    """A request is refused with this HTTP status and gRPC code."""

    def __init__(self, http: int, code: int, message: str) -> None:
        super().__init__(message)
        self.http, self.code = http, code


def otlp_http(intake: Intake, settings: ObservatorySettings) -> Starlette:
    """The application: POST /v1/traces, /v1/logs and /v1/metrics."""
    most = settings.message_bytes
    return Starlette(
        routes=[
            Route(f"/v1/{signal.name}", _endpoint(intake, signal, most), methods=["POST"])
            for signal in SIGNALS
        ],
        middleware=[
            Middleware(HostGuard, settings),
            Middleware(BoundedResponses, intake.budget, _unavailable),
        ],
        exception_handlers={HTTPException: _routing_error},
    )


def _endpoint(
    intake: Intake, signal: Signal, message_bytes: int
) -> Callable[[Request], Awaitable[Response]]:
    async def export(request: Request) -> Response:
        kind = _kind(request.scope)
        try:
            _check_kind(kind)
            gzipped = _is_gzipped(request)

            def unpack(sent: bytes) -> tuple[bytes, str]:
                plain = inflate(sent, GZIP, message_bytes) if gzipped else sent
                return to_protobuf(signal, plain) if kind == JSON else (plain, "")

            sent = await body(request, message_bytes)
            receipt = await intake.receive(signal, sent, unpack)
        except _HttpError as error:
            return _error(kind, error.http, error.code, str(error))
        except TooLarge:
            return _error(
                kind, 413, code_pb2.INVALID_ARGUMENT, f"send at most {message_bytes:,} bytes"
            )
        except BodyError as error:
            return _error(kind, 400, code_pb2.INVALID_ARGUMENT, f"the body can't be read: {error}")
        except (Undecodable, Busy, Unavailable) as error:
            return _error(kind, *CODES[type(error)], str(error))
        return _answer(kind, 200, response(signal, receipt))

    return export


def _kind(scope: Scope) -> str:
    return Headers(scope=scope).get("content-type", "").partition(";")[0].strip().lower()


def _unavailable(scope: Scope, stopping: bool) -> Response:
    if stopping:
        return _error(_kind(scope), *CODES[Unavailable], "the observatory is stopping")
    return _error(_kind(scope), *CODES[Busy], "out of memory at the moment; retry")


def _check_kind(kind: str) -> None:
    if kind not in (PROTOBUF, JSON):
        message = f"send {PROTOBUF} or {JSON}, not {kind or 'nothing'}"
        raise _HttpError(415, code_pb2.INVALID_ARGUMENT, message)


def _is_gzipped(request: Request) -> bool:
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "gzip"):
        raise _HttpError(415, code_pb2.INVALID_ARGUMENT, f"send gzip or identity, not {encoding}")
    return encoding == "gzip"


async def _routing_error(request: Request, error: Exception) -> Response:
    """Not found or method not allowed, as an OTLP error."""
    kind = _kind(request.scope)
    http = error.status_code if isinstance(error, HTTPException) else 500
    message = "POST to /v1/traces, /v1/logs or /v1/metrics"
    answer = _error(kind, http, code_pb2.UNIMPLEMENTED, message)
    answer.headers.update((isinstance(error, HTTPException) and error.headers) or {})
    return answer


def _error(kind: str, http: int, code: int, message: str) -> Response:
    answer = _answer(kind, http, status(code, message, retryable=http in (429, 503)))
    if http in (429, 503):
        answer.headers["Retry-After"] = str(RETRY_SECONDS)
    return answer


def _answer(kind: str, http: int, message: Any) -> Response:
    """A response in the encoding of the request; protobuf if that is unknown."""
    if kind == JSON:
        return Response(from_protobuf(message), http, media_type=JSON)
    return Response(message.SerializeToString(), http, media_type=PROTOBUF)
