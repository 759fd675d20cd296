"""Why a batch was not delivered: the exporters report only that it was not.

Over HTTP the session they send with knows, over gRPC what they log does. Each thread has its own
last error, since an exporter sends and logs in the thread that calls it.
"""

import logging
import re
import threading
from http import HTTPStatus
from typing import Any

import grpc
import requests

GRPC_LOGGER = "opentelemetry.exporter.otlp.proto.grpc.exporter"
LONGEST = 200
_last = threading.local()


def forget() -> None:
    """Before a batch is sent."""
    _last.error = None


def last_error() -> str:
    """What came back for the last batch of this thread."""
    error: str | None = getattr(_last, "error", None)
    return error or "no answer in time"


def _note(error: str) -> None:
    printable = re.sub(r"[^ -~]+", " ", error)
    _last.error = printable if len(printable) <= LONGEST else f"{printable[:LONGEST]}…"


class Session(requests.Session):
    """For the HTTP exporters; keeps what a failed request came to."""

    def send(self, request: Any, **options: Any) -> Any:
        try:
            response = super().send(request, **options)
        except requests.RequestException as error:
            _note(_reason(error))
            raise
        if response.status_code >= HTTPStatus.BAD_REQUEST:
            _note(f"{response.status_code} {response.reason}")
        return response


def _reason(error: requests.RequestException) -> str:
    """The cause, without the address that requests repeats in its messages."""
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    cause: BaseException = error
    while isinstance(inner := getattr(cause, "reason", None) or _inner(cause), BaseException):
        cause = inner
    said = getattr(cause, "strerror", None) or type(cause).__name__
    if isinstance(error, requests.exceptions.SSLError):
        return f"TLS: {getattr(cause, 'verify_message', None) or cause}"
    return str(said)


def _inner(error: BaseException) -> BaseException | None:
    """The exception that another one holds or comes from."""
    held = next((each for each in error.args if isinstance(each, BaseException)), None)
    return held or error.__cause__ or error.__context__


class _Listener(logging.Filter):
    """Takes the error out of what the gRPC exporters log, and lets nothing through."""

    def filter(self, record: logging.LogRecord) -> bool:
        args = record.args if isinstance(record.args, tuple) else ()
        code = next((each for each in args if isinstance(each, grpc.StatusCode)), None)
        if code is grpc.StatusCode.DEADLINE_EXCEEDED:
            _note("no answer in time")
        elif code is not None:
            details = args[-1] if isinstance(args[-1], str) else ""
            _note(f"{code.name}, {details}" if details else code.name)
        return False


def listen_to_grpc() -> None:
    """Hear the gRPC exporters from now on. Before their own filter, which drops what repeats."""
    logger = logging.getLogger(GRPC_LOGGER)
    logger.setLevel(logging.WARNING)
    if not any(isinstance(each, _Listener) for each in logger.filters):
        logger.filters.insert(0, _Listener())
