"""Types between a service and the kit: the facts of a stage's result, and the kinds of failures."""

from asyncio import CancelledError
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from starlette.exceptions import HTTPException

from .vocabulary import Attributes, Event, Metric


@dataclass(frozen=True, slots=True)
class Measurement:
    """One value of a declared metric. Attributes with the value None are omitted."""

    metric: Metric
    value: float
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that is emitted for one result.

    `attributes`: for the stage's span and the wide event; `wide`: for the wide event only;
    `private` (user input): for both, only if the settings allow it. `hashed`: names that may be
    private, for the wide event, as keyed hashes. `summed`: the wide event has the sums of the
    integers of several results of one request, and none of their other attributes. `links`: W3C
    traceparents.
    `own_duration`: the measurements contain the stage's duration, in a metric of its own.
    `degraded`: a part was unavailable; the request's span and wide event get this attribute.
    `failure`: the exception that the result recovered from. `wide_event`: name of the wide event.
    """

    attributes: Attributes = field(default_factory=dict)
    events: tuple[Event, ...] = ()
    measurements: tuple[Measurement, ...] = ()
    wide: Attributes = field(default_factory=dict)
    private: Attributes = field(default_factory=dict)
    hashed: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    links: tuple[str, ...] = ()
    failure: BaseException | None = None
    degraded: bool = False
    summed: bool = False
    own_duration: bool = False
    wide_event: Event | None = None


class FinishedStage(Protocol):
    """A finished stage, the argument of `Describe`."""

    @property
    def name(self) -> str: ...

    @property
    def result(self) -> Any:
        """What the block assigned; None if it failed before that."""

    @property
    def seconds(self) -> float: ...

    @property
    def error(self) -> BaseException | None:
        """The exception that left the stage."""


Describe = Callable[[FinishedStage], Facts]
NOTHING = Facts()


def nothing(_: FinishedStage) -> Facts:
    """No facts: only spans and durations are emitted."""
    return NOTHING


def class_name(error: BaseException) -> str:
    """The default `error.type`."""
    return type(error).__qualname__


@dataclass(frozen=True, slots=True)
class Failures:
    """How exceptions are reported.

    `callers`: errors of the caller, which are no failures. `foreseen`: expected failures, reported
    with `error.type` but without a stack trace. `name`: the `error.type` of an exception; it must
    have few values and must not contain the message, which may quote the input.
    """

    callers: tuple[type[BaseException], ...] = ()
    foreseen: tuple[type[BaseException], ...] = (TimeoutError, CancelledError)
    name: Callable[[BaseException], str] = class_name

    def error_type(self, error: BaseException | None) -> str | None:
        """The `error.type`; None without a failure."""
        if error is None or isinstance(error, self.callers):
            return None
        return self.name(error)

    def is_unforeseen(self, error: BaseException) -> bool:
        """Whether to report the stack trace. An `HTTPException` is a response, not a failure."""
        return not isinstance(error, (*self.callers, *self.foreseen, HTTPException))
