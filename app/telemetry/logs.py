"""Log records: from Python's logging, with the ids of their trace, to standard output and OTLP.

Every record becomes one OpenTelemetry record; a line of JSON is that record written down. Messages
of exceptions may quote what was typed, so only their names and stacks are kept.
"""

import copy
import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from opentelemetry._logs import LoggerProvider
from opentelemetry.instrumentation.logging.handler import LoggingHandler
from opentelemetry.semconv.attributes.exception_attributes import (
    EXCEPTION_STACKTRACE,
    EXCEPTION_TYPE,
)

from app.telemetry import vocabulary as v
from app.telemetry.failures import error_type
from app.telemetry.privacy import stack_of
from app.telemetry.record import current

OURS = ("app", "uvicorn")
"""Loggers that show nothing but what they mean to."""
WITH_THEIR_OWN_HANDLERS = ("uvicorn", "uvicorn.error", "uvicorn.access")
UNWANTED = ("opentelemetry", "uvicorn.access")
"""The SDK would say for each batch what `delivery.py` says once, and quotes headers it can't read;
access lines hold what was typed, and the wide event says more."""
_FIRST_LINE, _WHAT_IT_WAS = re.compile("\n"), re.compile("[\n(<'\":]")
TOLD_BETTER = ("Exception in ASGI application", '%s - "WebSocket')
"""What uvicorn says a second time, and what has an address with its query."""
NOT_TOLD = ("color_message", "websocket")
log = logging.getLogger(__name__)


class Handler(LoggingHandler):
    """The library's handler, for records without messages of exceptions."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            if self._is_wanted(record):
                super().emit(self._private(record))
        except Exception:  # noqa: BLE001, S110 - a record that can't be told is no reason to fail
            pass

    def _is_wanted(self, record: logging.LogRecord) -> bool:
        """Warnings of all, information of ours."""
        ours = record.name.partition(".")[0] in OURS
        told = ours or record.levelno >= logging.WARNING
        return told and not str(record.msg).startswith(TOLD_BETTER)

    def _private(self, record: logging.LogRecord) -> logging.LogRecord:
        """A copy without what must not be told."""
        record = copy.copy(record)
        for name in NOT_TOLD:
            record.__dict__.pop(name, None)
        if record.name.partition(".")[0] not in OURS:  # others show objects and what is in them
            until = _WHAT_IT_WAS if record.exc_info else _FIRST_LINE
            record.msg, record.args = until.split(record.getMessage(), 1)[0], ()
        record.msg = record.getMessage().encode("utf-8", "replace").decode()
        record.args = ()
        if record.exc_info and (error := record.exc_info[1]) is not None:
            record.__dict__[EXCEPTION_TYPE] = error_type(error)
            record.__dict__[EXCEPTION_STACKTRACE] = stack_of(error)
            known = current.get()
            if known is not None and v.INPUT_HASH in known.about:
                record.__dict__[str(v.INPUT_HASH)] = known.about[v.INPUT_HASH]
        record.exc_info = None
        return record


class Plain(logging.Formatter):
    """Lines for people, without messages of exceptions."""

    def formatException(self, ei: Any) -> str:  # noqa: N802 - as logging has it
        return stack_of(ei[1])


@contextmanager
def warned() -> Iterator[None]:
    """Warnings go to standard error: for when no lines go to standard output."""
    root, handler = logging.getLogger(), logging.StreamHandler()
    handler.setLevel(logging.WARNING)
    handler.setFormatter(Plain())
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)


@contextmanager
def handled(provider: LoggerProvider) -> Iterator[None]:
    """Take over what is logged, uvicorn's included; give it back at the end."""
    root, handler = logging.getLogger(), Handler(logger_provider=provider)
    ours, theirs = logging.getLogger("app"), [*map(logging.getLogger, WITH_THEIR_OWN_HANDLERS)]
    level, before = ours.level, [(each, each.handlers, each.propagate) for each in theirs]
    for each in theirs:
        each.handlers, each.propagate = [], True
    ours.setLevel(logging.INFO)
    root.addHandler(handler)
    hook, threading.excepthook = threading.excepthook, _told_of_thread
    try:
        yield
    finally:
        threading.excepthook = hook
        root.removeHandler(handler)
        ours.setLevel(level)
        for each, handlers, propagate in before:
            each.handlers, each.propagate = handlers, propagate


def _told_of_thread(failed: threading.ExceptHookArgs) -> None:
    """What ended a thread, without its message."""
    if failed.exc_value is not None:
        log.error("unhandled error in a thread", exc_info=failed.exc_value)


@contextmanager
def silenced() -> Iterator[None]:
    """Nothing is heard of the UNWANTED loggers."""
    levels = {each: each.level for each in map(logging.getLogger, UNWANTED)}
    for each in levels:
        each.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for each, level in levels.items():
            each.setLevel(level)
