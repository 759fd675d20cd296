"""Emits exceptions by the semantic conventions: as an `exception` event in the logs, on the span
(deprecated by the conventions, but read by many tools), or both.

https://opentelemetry.io/docs/specs/semconv/exceptions/exceptions-logs/

The standard variable OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN selects `logs` or `logs/dup` (both); if
it is not set, spans only. Messages are omitted because they may quote user input; for the same
reason the exception is not passed to `Logger.emit`, which would add its message.
"""

import os
import time
import traceback
from collections.abc import Iterable
from contextlib import suppress
from itertools import islice
from types import FrameType
from typing import Literal

from opentelemetry._logs import Logger, SeverityNumber
from opentelemetry.semconv.attributes.exception_attributes import (
    EXCEPTION_STACKTRACE,
    EXCEPTION_TYPE,
)
from opentelemetry.trace import Span

from .causes import code_of, first_cause
from .facts import Failures
from .request_record import current
from .vocabulary import Attributes, CoreNames

OPT_IN = "OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN"
LOGS, BOTH = "logs", "logs/dup"
EVENT = "exception"
EVENT_NAME = "otel.event.name"
"""Key of the event name in `extra` of Python's logging."""
MAX_CAUSES, MAX_CALLERS, MAX_STACK = 16, 16, 8_000
"""Limits of a stack trace: number of causes, number of callers, characters (the last are kept)."""
INSTRUMENTATION = f"{os.sep}opentelemetry{os.sep}instrumentation{os.sep}"
HIDDEN = "__tracebackhide__"
"""A function with this local variable is left out of stack traces, as in pytest."""
Signal = Literal["span", "event", "logged"]
"""Where an exception was reported: on a span, as an `exception` event in the logs, by logging."""


class Exceptions:
    """Emits `exception` events: for each exception one per signal, however often it is caught."""

    def __init__(self, failures: Failures, logger: Logger, core: CoreNames) -> None:
        chosen = os.environ.get(OPT_IN, "")
        self.in_logs, self._on_spans = chosen in (LOGS, BOTH), chosen != LOGS
        self._failures, self._logger, self._core = failures, logger, core

    def record(self, span: Span, error: BaseException, stage: str, *, recovered: bool) -> None:
        """Emit the events of an unforeseen failure in its span."""
        self.add_to(span, error)
        if not self.in_logs or is_marked(error, "event") or not self._failures.is_unforeseen(error):
            return
        mark(error, "event")
        severity = SeverityNumber.WARN if recovered else SeverityNumber.ERROR
        self._logger.emit(
            timestamp=time.time_ns(),
            severity_number=severity,
            severity_text=severity.name,
            body=f"{exception_type(error)} in “{stage}”",
            event_name=EVENT,
            attributes=self.attributes(error),
        )

    def add_to(self, span: Span, error: BaseException) -> None:
        """Add the span event, if configured."""
        unforeseen = self._on_spans and self._failures.is_unforeseen(error)
        if unforeseen and span.is_recording() and not is_marked(error, "span"):
            mark(error, "span")
            about = {EXCEPTION_TYPE: exception_type(error), EXCEPTION_STACKTRACE: stack_of(error)}
            span.add_event(EVENT, about)

    def attributes(self, error: BaseException) -> Attributes:
        """Attributes of an exception for a log record."""
        about: Attributes = {
            EXCEPTION_TYPE: exception_type(error),
            EXCEPTION_STACKTRACE: stack_of(error),
            **self.cause(error),
        }
        request = current.get()
        if request is not None and self._core.input_hash in request.attributes:
            about[self._core.input_hash] = request.attributes[self._core.input_hash]
        return about

    def cause(self, error: BaseException) -> Attributes:
        """Type and code of the first cause; empty if there is nothing to add to `error.type`."""
        about, first = Attributes(), first_cause(error)
        if first is not error:
            about[str(self._core.cause)] = self._failures.name(first)
        if (code := code_of(error)) is not None:
            about[str(self._core.code)] = code
        return about


def exception_type(error: BaseException) -> str:
    """The qualified name of its class, as in the conventions."""
    kind = type(error)
    outer = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    return f"{outer}{kind.__qualname__}"


def mark(error: BaseException, signal: Signal) -> None:
    """Mark an exception as reported by a signal, so that outer handlers do not repeat it."""
    with suppress(AttributeError):  # a class with slots
        error.__telemetry__ = {*getattr(error, "__telemetry__", ()), signal}  # type: ignore[attr-defined]


def is_marked(error: BaseException, signal: Signal) -> bool:
    """Whether this exception, or one of its causes, was reported by the signal."""
    link: BaseException | None = error
    for _ in range(MAX_CAUSES):
        if link is None:
            break
        if signal in getattr(link, "__telemetry__", ()):
            return True
        link = link.__cause__
    return False


def stack_of(error: BaseException) -> str:
    """The stack trace, causes first: frames and names of exceptions, without their messages.

    Frames of instrumentation libraries, and those with HIDDEN, are omitted. If no others are left,
    because the library caught the exception where it was raised, the frames that called the library
    are used.
    """
    return _stack(error, set())[-MAX_STACK:]


def _stack(error: BaseException, seen: set[int]) -> str:
    """The stack of an exception, its causes and its group's members; `seen`: ids already shown."""
    parts: list[str] = []
    link: BaseException | None = error
    while link is not None and id(link) not in seen and len(seen) < MAX_CAUSES:
        seen.add(id(link))
        parts.append(_one_stack(link, seen))
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return "\n\ncause of\n\n".join(reversed(parts))


def _one_stack(error: BaseException, seen: set[int]) -> str:
    frames = _frames(traceback.walk_tb(error.__traceback__)) or _callers(error)
    here = "".join([*traceback.StackSummary.from_list(frames).format(), type(error).__qualname__])
    if not isinstance(error, BaseExceptionGroup):
        return here
    inner = [stack for each in error.exceptions if (stack := _stack(each, seen))]
    return f"{here} of\n\n" + "\n\nand\n\n".join(inner)


def _frames(walked: Iterable[tuple[FrameType, int]]) -> list[traceback.FrameSummary]:
    shown = (each for each in walked if HIDDEN not in each[0].f_locals)
    found = traceback.StackSummary.extract(shown)
    return [each for each in found if INSTRUMENTATION not in each.filename]


def _callers(error: BaseException) -> list[traceback.FrameSummary]:
    """The frames that called the first frame of the traceback, outermost first."""
    first = error.__traceback__
    if first is None or first.tb_frame.f_back is None:
        return []
    walked = traceback.walk_stack(first.tb_frame.f_back)
    return _frames(islice(walked, MAX_CALLERS))[::-1]
