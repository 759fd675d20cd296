"""What a service says about the results of its stages: the types between it and the kit."""

import os
import traceback
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from types import FrameType
from typing import Any, Literal, Protocol

from .vocabulary import Attributes, Event, Metric

MOST_CAUSES, MOST_CALLERS, LONGEST_STACK = 16, 16, 8_000
"""How many exceptions a stack goes through, how many callers it names, and its last characters
that are kept."""
INSTRUMENTATION = f"{os.sep}opentelemetry{os.sep}instrumentation{os.sep}"


@dataclass(frozen=True, slots=True)
class Measurement:
    """One value of a declared metric. Attributes whose value is None are left out."""

    metric: Metric
    value: float
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that telemetry says about one result.

    `attributes` go on the stage's span and into the wide event, `wide` into the wide event only,
    `private` (what people typed) nowhere unless the settings allow it. `summed`: the numbers of
    several results of one request are added up in the wide event. `link`: a W3C traceparent.
    `own_duration`: the measurements have the stage's duration, under a name of its own.
    `failure`: what the result was made in spite of. `wide_event` names the request's wide event.
    """

    attributes: Attributes = field(default_factory=dict)
    events: tuple[Event, ...] = ()
    measurements: tuple[Measurement, ...] = ()
    wide: Attributes = field(default_factory=dict)
    private: Attributes = field(default_factory=dict)
    link: str = ""
    failure: BaseException | None = None
    degraded: bool = False
    summed: bool = False
    own_duration: bool = False
    wide_event: Event | None = None


class FinishedStage(Protocol):
    """A stage as `Describe` sees it."""

    @property
    def name(self) -> str: ...

    @property
    def result(self) -> Any:
        """What the stage assigned; None where it failed before that."""

    @property
    def seconds(self) -> float: ...

    @property
    def error(self) -> BaseException | None:
        """The exception that left the stage."""


Describe = Callable[[FinishedStage], Facts]
NOTHING = Facts()


def nothing(_: FinishedStage) -> Facts:
    """The facts of a service that has none of its own: spans and durations only."""
    return NOTHING


def class_name(error: BaseException) -> str:
    """The default `error.type`."""
    return type(error).__qualname__


@dataclass(frozen=True, slots=True)
class Failures:
    """How exceptions are reported.

    `callers`: mistakes of the caller; nothing failed here. `foreseen`: failures the service is
    built to live with; their name is enough, no stack is recorded. `name`: the `error.type` of an
    exception: few values, and nothing from its message, which may quote the input.
    """

    callers: tuple[type[BaseException], ...] = ()
    foreseen: tuple[type[BaseException], ...] = (TimeoutError,)
    name: Callable[[BaseException], str] = class_name

    def error_type(self, error: BaseException | None) -> str | None:
        """The `error.type`, or None where nothing failed."""
        if error is None or isinstance(error, self.callers):
            return None
        return self.name(error)

    def is_unforeseen(self, error: BaseException) -> bool:
        """Whether an engineer has to look at the stack."""
        return not isinstance(error, (*self.callers, *self.foreseen))


def mark(error: BaseException, signal: Literal["span", "log"]) -> None:
    """Remember on an exception that a signal has it, for what it passes on its way."""
    with suppress(AttributeError):  # a class with slots and no room for it
        error.__telemetry__ = {*getattr(error, "__telemetry__", ()), signal}  # type: ignore[attr-defined]


def is_marked(error: BaseException, signal: Literal["span", "log"]) -> bool:
    """Whether the signal has this exception, or one it was raised from."""
    link: BaseException | None = error
    for _ in range(MOST_CAUSES):
        if link is None:
            break
        if signal in getattr(link, "__telemetry__", ()):
            return True
        link = link.__cause__
    return False


def stack_of(error: BaseException) -> str:
    """Where it happened, causes first: frames and names of exceptions, never their messages.

    Frames of instrumentation libraries are left out. Where that leaves none, because a library
    caught the error just where it happened, the frames that called the library stand there.
    """
    return _stack(error, set())[-LONGEST_STACK:]


def _stack(error: BaseException, seen: set[int]) -> str:
    """Of an exception, its causes and the members of a group; `seen` are those already shown."""
    parts: list[str] = []
    link: BaseException | None = error
    while link is not None and id(link) not in seen and len(seen) < MOST_CAUSES:
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
    found = traceback.StackSummary.extract(walked)
    return [each for each in found if INSTRUMENTATION not in each.filename]


def _callers(error: BaseException) -> list[traceback.FrameSummary]:
    """The nearest frames that called the first one of the traceback, outermost first."""
    first = error.__traceback__
    if first is None or first.tb_frame.f_back is None:
        return []
    walked = traceback.walk_stack(first.tb_frame.f_back)
    return _frames(islice(walked, MOST_CALLERS))[::-1]
