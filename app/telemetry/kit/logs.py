"""Converts Python's log records to OpenTelemetry log records, without private data.

Messages of exceptions may quote user input, so only their names and stack traces are emitted; of
other libraries' warnings only the first line of the template, without its arguments and `extra`.
"""

import copy
import logging
import re
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any

from opentelemetry import trace
from opentelemetry._logs import LoggerProvider
from opentelemetry.instrumentation.logging.handler import LoggingHandler
from opentelemetry.semconv.attributes.exception_attributes import EXCEPTION_TYPE

from .exceptions import EVENT, EVENT_NAME, Exceptions, exception_type, is_marked, mark, stack_of
from .request_record import current

SERVERS = ("uvicorn",)
"""Loggers of servers, whose messages contain no user input."""
WITH_THEIR_OWN_HANDLERS = ("uvicorn", "uvicorn.error", "uvicorn.access")
UNWANTED = ("opentelemetry", "uvicorn.access")
"""The SDK logs for each batch what `exporters.py` logs once, and quotes invalid headers; access
lines contain user input, and the wide event replaces them."""
_FIRST_LINE, _SUBJECT = re.compile("\n"), re.compile("[\n(<'\":]")
REPEATED = ("Exception in ASGI application", '%s - "WebSocket')
"""Beginnings of uvicorn's records that repeat an exception, or contain a URL with its query."""
UNREADABLE = ("color_message", "websocket")
_FIELDS = frozenset(vars(logging.makeLogRecord({})))
"""Fields of every record; others are from `extra`."""
log = logging.getLogger(__name__)


class PrivateHandler(LoggingHandler):
    """A logging handler that removes private data before it emits a record."""

    def __init__(
        self, logger_provider: LoggerProvider, exceptions: Exceptions, own: Collection[str]
    ) -> None:
        """`own`: top-level names of the service's loggers."""
        super().__init__(logger_provider=logger_provider)
        self._exceptions, self._own = exceptions, {*own, *SERVERS}

    def emit(self, record: logging.LogRecord) -> None:
        try:
            if self._is_wanted(record):
                super().emit(self._private(record))
        except Exception:  # noqa: BLE001, S110 - logging must not fail the caller
            pass

    def _is_own(self, record: logging.LogRecord) -> bool:
        return record.name.partition(".")[0] in self._own

    def _is_wanted(self, record: logging.LogRecord) -> bool:
        """Warnings of all loggers, INFO of the service's own; no repeated exception events."""
        wanted = self._is_own(record) or record.levelno >= logging.WARNING
        error = record.exc_info[1] if record.exc_info else None
        is_event = error is not None and getattr(record, EVENT_NAME, "") == EVENT
        again = error is not None and is_event and is_marked(error, "event")
        return wanted and not again and not str(record.msg).startswith(REPEATED)

    def _private(self, record: logging.LogRecord) -> logging.LogRecord:
        """A copy without private data."""
        record = copy.copy(record)
        for name in UNREADABLE:
            record.__dict__.pop(name, None)
        if not self._is_own(record):  # arguments of libraries may be any object
            record.__dict__ = {k: each for k, each in vars(record).items() if k in _FIELDS}
            until = _SUBJECT if record.exc_info else _FIRST_LINE
            template = record.msg if isinstance(record.msg, str) else type(record.msg).__qualname__
            record.msg, record.args = until.split(template, 1)[0], ()
        record.msg = record.getMessage().encode("utf-8", "replace").decode()
        record.args = ()
        if record.exc_info and (error := record.exc_info[1]) is not None:
            self._describe(error, record.__dict__)
        record.exc_info = None
        return record

    def _describe(self, error: BaseException, attributes: dict[str, Any]) -> None:
        """Add the exception's attributes; on the span of the current request too.

        The first record of an exception is its event. Later ones have its type only.
        """
        repeated = is_marked(error, "event")
        mark(error, "logged")
        attributes.pop(EVENT_NAME, None)
        if repeated:
            attributes.update(self._exceptions.cause(error))
            attributes[EXCEPTION_TYPE] = exception_type(error)
        else:
            attributes.update(self._exceptions.attributes(error))
        if self._exceptions.in_logs and not repeated:
            mark(error, "event")
            attributes[EVENT_NAME] = EVENT
        if current.get() is not None:
            self._exceptions.add_to(trace.get_current_span(), error)


class PlainFormatter(logging.Formatter):
    """Text lines without messages of exceptions."""

    def formatException(self, ei: Any) -> str:  # noqa: N802 - overrides logging's
        return stack_of(ei[1])


@contextmanager
def warnings_on_stderr() -> Iterator[None]:
    """Write warnings to standard error; used if log lines on standard output are off."""
    root, handler = logging.getLogger(), logging.StreamHandler()
    handler.setLevel(logging.WARNING)
    handler.setFormatter(PlainFormatter())
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)


@contextmanager
def handled(handler: logging.Handler, own: Collection[str]) -> Iterator[None]:
    """Send all log records, uvicorn's included, to the handler; restore logging at the end.

    The level of the loggers `own` is INFO, unless the application has set one.
    """
    root, loggers = logging.getLogger(), [*map(logging.getLogger, own)]
    levels = [(each, each.level) for each in loggers]
    servers = [*map(logging.getLogger, WITH_THEIR_OWN_HANDLERS)]
    before = [(each, each.handlers, each.propagate) for each in servers]
    for each in servers:
        each.handlers, each.propagate = [], True
    for each in loggers:
        if each.level == logging.NOTSET and each.getEffectiveLevel() > logging.INFO:
            each.setLevel(logging.INFO)
    root.addHandler(handler)
    hook, threading.excepthook = threading.excepthook, _log_thread
    try:
        yield
    finally:
        threading.excepthook = hook
        root.removeHandler(handler)
        for each, level in levels:
            each.setLevel(level)
        for each, handlers, propagate in before:
            each.handlers, each.propagate = handlers, propagate


def _log_thread(failed: threading.ExceptHookArgs) -> None:
    """Log the exception that ended a thread."""
    if failed.exc_value is not None:
        log.error("unhandled error in a thread", exc_info=failed.exc_value)


@contextmanager
def silenced(is_sending: Callable[[], bool] = lambda: False) -> Iterator[None]:
    """Turn the UNWANTED loggers off. They stay off if `is_sending` at the end: an exporter that
    gives up after its time would log it on standard error."""
    levels = {each: each.level for each in map(logging.getLogger, UNWANTED)}
    for each in levels:
        each.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        if not is_sending():
            for each, level in levels.items():
                each.setLevel(level)
