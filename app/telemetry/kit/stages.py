"""The observer of stages: a span, a duration and the facts of each, from its typed result.

    with stages.observe("analyze query") as stage:
        query = stage.result = analyze(text)

Speaks the OpenTelemetry API only. What fails in here is logged and never reaches the work.
"""

import logging
import time
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager, nullcontext
from contextvars import Token
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal, Self

from opentelemetry import context as context_api
from opentelemetry import trace
from opentelemetry.semconv.attributes.error_attributes import ERROR_TYPE
from opentelemetry.trace import INVALID_SPAN, Span, StatusCode, Tracer

from .context import span_of
from .exceptions import EVENT_NAME, Exceptions
from .facts import Describe, Facts, Failures
from .measurements import Instruments
from .privacy import Hasher
from .request_record import RequestRecord, current
from .vocabulary import Attributes, CoreNames, Value, plain_names

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Observing:
    """What a service wants to be observed.

    `of_the_request`: stages that are the whole work of a request; they have no span of their own,
    the request's span carries their facts. `typed`: the text that a person typed, of a stage's
    subject; a keyed hash of it stands in the wide event. `plain`: show what people typed.
    """

    core: CoreNames
    describe: Describe
    failures: Failures
    of_the_request: Collection[str] = ()
    typed: Callable[[object], str | None] = lambda _: None
    plain: bool = False


class Stages:
    """Observes stages."""

    def __init__(
        self,
        tracer: Tracer,
        instruments: Instruments,
        exceptions: Exceptions,
        hasher: Hasher,
        observing: Observing,
    ) -> None:
        self.tracer, self.instruments, self.exceptions = tracer, instruments, exceptions
        self.hasher, self.observing = hasher, observing

    def observe(self, name: str, subject: object = None) -> "ObservedStage":
        """Observe a block; `subject` is what it works on."""
        return ObservedStage(self, name, subject)

    def note(self, occurrence: str) -> None:
        """Report something that happened within the current stage, by its declared name."""
        core = self.observing.core
        try:
            span = trace.get_current_span()
            if span.is_recording():  # the request may have been answered without waiting for this
                span.add_event(occurrence)
            self.instruments.record(core.occurrence_count, 1, {core.occurrence: occurrence})
        except Exception:
            log.exception("telemetry of “%s” failed", occurrence)
        event = core.occurrences[occurrence]
        level = logging.WARNING if event.warns else logging.INFO
        log.log(level, "%s", event.meaning, extra={EVENT_NAME: occurrence})


class ObservedStage:
    """One stage under way."""

    __slots__ = (
        "_extra", "_record", "_span", "_started", "_subject", "_timed", "_token", "_watch",
        "error", "name", "result", "seconds",
    )  # fmt: skip

    def __init__(self, watch: Stages, name: str, subject: object) -> None:
        self._watch, self._subject, self._extra = watch, subject, None
        self.name, self.result = name, None
        self.seconds, self.error = 0.0, None

    name: str
    result: Any
    seconds: float
    error: BaseException | None
    _span: Span
    _token: Token[context_api.Context] | None
    _record: RequestRecord | None
    _extra: Attributes | None

    def set(self, name: str, value: Value) -> None:
        """Add an attribute that no facts are made for."""
        self._extra = {**(self._extra or {}), name: value}

    def __enter__(self) -> Self:
        self._token, self._span, self._record = None, INVALID_SPAN, current.get()
        self._started, self._timed = time.time_ns(), time.perf_counter_ns()
        try:
            self._begin()
        except Exception:
            log.exception("telemetry of the stage “%s” failed", self.name)
        return self

    def _begin(self) -> None:
        observing = self._watch.observing
        if self.name in observing.of_the_request:
            self._span = trace.get_current_span()
        else:
            self._span = self._watch.tracer.start_span(self.name, start_time=self._started)
            self._token = context_api.attach(trace.set_span_in_context(self._span))
        if self._record is not None and (text := observing.typed(self._subject)) is not None:
            self._record.attributes[observing.core.input_hash] = self._watch.hasher(text)

    def __exit__(
        self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None
    ) -> Literal[False]:
        took = time.perf_counter_ns() - self._timed  # the wall clock may be set meanwhile
        self.seconds, self.error = took / 1e9, error
        try:
            self._report()
        except Exception:
            log.exception("telemetry of the stage “%s” failed", self.name)
        if self._token is not None:
            context_api.detach(self._token)
            try:
                self._span.end(self._started + took)
            except Exception:
                log.exception("telemetry of the stage “%s” failed", self.name)
        return False

    def _report(self) -> None:
        watch, observing, core = self._watch, self._watch.observing, self._watch.observing.core
        facts = observing.describe(self)
        failure = self.error or facts.failure
        kind = observing.failures.error_type(failure)
        if not facts.own_duration:
            labels = {core.stage: self.name, ERROR_TYPE: kind}
            watch.instruments.record(core.stage_duration, self.seconds, labels)
        watch.instruments.record_all(facts.measurements)
        attributes = plain_names({**facts.attributes, **(self._extra or {})})
        if observing.plain:
            attributes |= facts.private
        if self._record is not None:
            self._record.add(self, facts, attributes, kind)
        if self._span.is_recording():
            self._describe(facts, attributes)
        if failure is not None and kind is not None:
            self._fail(failure, kind)

    def _describe(self, facts: Facts, attributes: Attributes) -> None:
        self._span.set_attributes(attributes)
        for event in facts.events:
            self._span.add_event(event)
        if (link := span_of(facts.link)) is not None:
            self._span.add_link(link)

    def _fail(self, failure: BaseException, kind: str) -> None:
        if self._token is not None:  # the request's own span says how the request ended
            self._span.set_attribute(ERROR_TYPE, kind)
            self._span.set_status(StatusCode.ERROR)
        recovered = self.error is None
        self._watch.exceptions.record(self._span, failure, self.name, recovered=recovered)


class _Unobserved:
    __slots__ = ("result",)

    def __init__(self) -> None:
        self.result: Any = None

    def set(self, name: str, value: Value) -> None:
        """Nothing is emitted."""


class NoStages:
    """The null observer: the same interface, no telemetry."""

    def observe(self, name: str, subject: object = None) -> AbstractContextManager[_Unobserved]:  # noqa: ARG002
        """Run the block."""
        return nullcontext(_Unobserved())

    def note(self, occurrence: str) -> None:
        """Nothing is emitted."""
