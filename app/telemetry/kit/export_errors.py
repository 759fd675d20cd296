"""Captures why a batch was not delivered, which the exporters do not return.

Over HTTP the error is captured in the exporters' session, over gRPC from their log records. The
last error is kept per thread, because an exporter sends and logs in the thread that calls it.
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


def reset() -> None:
    """Clear this thread's last error; call it before a batch is sent."""
    _last.error, _last.unconfirmed = None, False


def last_error() -> str:
    """The error of this thread's last batch."""
    error: str | None = getattr(_last, "error", None)
    return error or "no response in time"


def is_unconfirmed() -> bool:
    """Whether this thread's last batch was sent without a response: it may have been stored."""
    return bool(getattr(_last, "unconfirmed", False))


def _set(error: str, *, unconfirmed: bool = False) -> None:
    _last.unconfirmed = unconfirmed
    printable = re.sub(r"[^ -~]+", " ", error)
    _last.error = printable if len(printable) <= LONGEST else f"{printable[:LONGEST]}…"


class Session(requests.Session):
    """A session for the HTTP exporters that captures errors."""

    def send(self, request: Any, **options: Any) -> Any:
        try:
            response = super().send(request, **options)
        except requests.RequestException as error:
            _set(_reason(error), unconfirmed=isinstance(error, requests.ReadTimeout))
            raise
        if response.status_code >= HTTPStatus.BAD_REQUEST:
            _set(f"{response.status_code} {response.reason}")
        return response


def _reason(error: requests.RequestException) -> str:
    """The cause, without the URL that requests puts into its messages."""
    if isinstance(error, requests.Timeout):
        return "no response in time"
    cause: BaseException = error
    while isinstance(inner := getattr(cause, "reason", None) or _inner(cause), BaseException):
        cause = inner
    reason = getattr(cause, "strerror", None) or type(cause).__name__
    if isinstance(error, requests.exceptions.SSLError):
        return f"TLS: {getattr(cause, 'verify_message', None) or cause}"
    return str(reason)


def _inner(error: BaseException) -> BaseException | None:
    """The exception in the arguments of another one, or its cause."""
    inner = next((each for each in error.args if isinstance(each, BaseException)), None)
    return inner or error.__cause__ or error.__context__


class _Capture(logging.Filter):
    """Captures errors from the gRPC exporters' log records, and drops the records."""

    def filter(self, record: logging.LogRecord) -> bool:
        args = record.args if isinstance(record.args, tuple) else ()
        code = next((each for each in args if isinstance(each, grpc.StatusCode)), None)
        if code is grpc.StatusCode.DEADLINE_EXCEEDED:
            _set("no response in time", unconfirmed=True)
        elif code is not None:
            details = args[-1] if isinstance(args[-1], str) else ""
            _set(f"{code.name}, {details}" if details else code.name)
        return False


def capture_grpc_errors() -> None:
    """Start capturing errors of the gRPC exporters, before their filter for repeated records."""
    logger = logging.getLogger(GRPC_LOGGER)
    logger.setLevel(logging.WARNING)
    if not any(isinstance(each, _Capture) for each in logger.filters):
        logger.filters.insert(0, _Capture())
