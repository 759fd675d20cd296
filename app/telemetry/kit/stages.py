"""Observes stages: emits a span, a duration and the facts of the typed result.

    with stages.observe("analyze query") as stage:
        query = stage.result = analyze(text)

Uses the OpenTelemetry API only. Failures of telemetry are logged; they never reach the block.
"""

import logging
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager, nullcontext
from contextvars import Token
from dataclasses import dataclass
from functools import lru_cache
from types import TracebackType
from typing import Any, Literal, Self

from opentelemetry import context as context_api
from opentelemetry import trace
from opentelemetry.instrumentation.utils import is_instrumentation_enabled
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
class StageConfig:
    """What a service wants to emit for its stages.

    `request_stages`: stages that do the complete work of a request; they have no span, and the
    request's span gets their facts. `user_text`: from a stage's subject to the text that a user
    typed, or None; the wide event gets its keyed hash. `plain`: emit private facts too.
    """

    core: CoreNames
    describe: Describe
    failures: Failures
    request_stages: Collection[str] = ()
    user_text: Callable[[object], str | None] = lambda _: None
    plain: bool = False


class Stages:
    """The observer of stages."""

    def __init__(
        self,
        tracer: Tracer,
        instruments: Instruments,
        exceptions: Exceptions,
        hasher: Hasher,
        config: StageConfig,
    ) -> None:
        self.tracer, self.instruments, self.exceptions = tracer, instruments, exceptions
        self.hasher, self.config = hasher, config
        self._hash_of_name = lru_cache(1024)(hasher)

    def hashes(self, names: Mapping[str, str | tuple[str, ...]]) -> Attributes:
        """The keyed hash of each name, by attribute."""
        hash_of = self._hash_of_name
        return {
            attribute: hash_of(each) if isinstance(each, str) else tuple(map(hash_of, each))
            for attribute, each in names.items()
        }

    def observe(self, name: str, subject: object = None) -> "ObservedStage":
        """Observe a block; `subject` is the block's input."""
        return ObservedStage(self, name, subject)

    def note(self, occurrence: str, cause: BaseException | None = None) -> None:
        """Report an event in the current stage, by its declared name, and the failure behind it."""
        core = self.config.core
        event = core.occurrences.get(occurrence)
        if event is None:
            log.error("the event “%s” is not declared in the vocabulary", occurrence)
            return
        about = Attributes()
        try:
            kind = self.config.failures.error_type(cause)
            if cause is not None and kind is not None:
                about = {ERROR_TYPE: kind, **self.exceptions.cause(cause)}
            span = trace.get_current_span()
            if span.is_recording():  # the request may have ended before this
                span.add_event(occurrence, about)
            labels = {core.occurrence: occurrence, ERROR_TYPE: kind}
            self.instruments.record(core.occurrence_count, 1, labels)
        except Exception:
            log.exception("telemetry of “%s” failed", occurrence)
        level = logging.WARNING if event.warns else logging.INFO
        log.log(level, "%s", event.meaning, extra={EVENT_NAME: occurrence, **about})


class ObservedStage:
    """One running or finished stage."""

    __slots__ = (
        "_extra",
        "_record",
        "_span",
        "_stages",
        "_started",
        "_subject",
        "_timed",
        "_token",
        "error",
        "name",
        "result",
        "seconds",
    )  # fmt: skip

    def __init__(self, stages: Stages, name: str, subject: object) -> None:
        self._stages, self._subject, self._extra = stages, subject, None
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
        """Add an attribute besides the facts of the result."""
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
        config = self._stages.config
        if self.name in config.request_stages:
            self._span = trace.get_current_span()
        elif is_instrumentation_enabled():  # not on an untraced path
            self._span = self._stages.tracer.start_span(self.name, start_time=self._started)
            self._token = context_api.attach(trace.set_span_in_context(self._span))
        if self._record is not None and (text := config.user_text(self._subject)) is not None:
            self._record.attributes[config.core.input_hash] = self._stages.hasher(text)

    def __exit__(
        self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None
    ) -> Literal[False]:
        took = time.perf_counter_ns() - self._timed  # the wall clock may have been changed
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
        stages, config, core = self._stages, self._stages.config, self._stages.config.core
        facts = config.describe(self)
        failure = self.error or facts.failure
        kind = config.failures.error_type(failure)
        if not facts.own_duration:
            labels = {core.stage: self.name, ERROR_TYPE: kind}
            stages.instruments.record(core.stage_duration, self.seconds, labels)
        stages.instruments.record_all(facts.measurements)
        attributes = plain_names({**facts.attributes, **(self._extra or {})})
        if config.plain:
            attributes |= facts.private
        failed = None if failure is None or kind is None else (failure, kind)
        if failed:
            attributes |= stages.exceptions.cause(failed[0])
        if self._record is not None:
            self._record.add(self, facts, attributes, kind)
            if facts.hashed:
                self._record.attributes.update(stages.hashes(facts.hashed))
        if self._span.is_recording():
            self._describe(facts, attributes)
        if failed:
            self._fail(*failed)

    def _describe(self, facts: Facts, attributes: Attributes) -> None:
        self._span.set_attributes(attributes)
        for event in facts.events:
            self._span.add_event(event)
        for each in facts.links:
            if (link := span_of(each)) is not None:
                self._span.add_link(link)

    def _fail(self, failure: BaseException, kind: str) -> None:
        if self._token is not None:  # not on the request's span: it has the request's status
            self._span.set_attribute(ERROR_TYPE, kind)
            self._span.set_status(StatusCode.ERROR)
        recovered = self.error is None
        self._stages.exceptions.record(self._span, failure, self.name, recovered=recovered)


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

    def note(self, occurrence: str, cause: BaseException | None = None) -> None:
        """Nothing is emitted."""
