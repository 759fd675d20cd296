"""What a service says about the results of its stages: the types between it and the kit."""

from asyncio import CancelledError
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from starlette.exceptions import HTTPException

from .vocabulary import Attributes, Event, Metric


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
    `degraded`: the result is less than it should be; the request's span and wide event say so.
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
    foreseen: tuple[type[BaseException], ...] = (TimeoutError, CancelledError)
    name: Callable[[BaseException], str] = class_name

    def error_type(self, error: BaseException | None) -> str | None:
        """The `error.type`, or None where nothing failed."""
        if error is None or isinstance(error, self.callers):
            return None
        return self.name(error)

    def is_unforeseen(self, error: BaseException) -> bool:
        """Whether an engineer has to look at the stack. An `HTTPException` is only an answer."""
        return not isinstance(error, (*self.callers, *self.foreseen, HTTPException))
