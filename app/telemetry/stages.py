"""The observer of the stages: a span and a measurement of each, made from its typed result."""

import logging
import time
from collections.abc import Callable
from contextvars import Token
from types import TracebackType
from typing import Any, Literal, Self

from opentelemetry import context as context_api
from opentelemetry import trace
from opentelemetry.semconv.attributes.error_attributes import ERROR_TYPE
from opentelemetry.trace import INVALID_SPAN, Span, StatusCode, Tracer

from app.catalogue.importer import Batch
from app.catalogue.journal import Noted
from app.recommend.stages import CIRCUIT_OPENED, FEEDBACK, RECOMMEND
from app.recommend.topic_signal import Evidence
from app.recommend.types import Query, Recommendation, Request, Scored
from app.telemetry import vocabulary as v
from app.telemetry.attributes import Attributes, describe, events, everything
from app.telemetry.context import link_to
from app.telemetry.failures import error_type, is_the_clients
from app.telemetry.measures import Measures
from app.telemetry.privacy import Hasher
from app.telemetry.record import RequestRecord, current

OF_THE_REQUEST = frozenset({RECOMMEND, FEEDBACK})
"""Stages that are the whole work of a request: its own span speaks of them."""
MAY_HAVE_FAILED = (Evidence, Scored)
"""Results that carry the failure they were made in spite of."""
log = logging.getLogger(__name__)


class TelemetryStages:
    """A `StageObserver`. Nothing that fails in here reaches the work it watches."""

    def __init__(
        self,
        tracer: Tracer,
        measures: Measures,
        hasher: Hasher,
        *,
        plain: bool = False,
        clock: Callable[[], int] = time.time_ns,
        timer: Callable[[], int] = time.perf_counter_ns,
    ) -> None:
        """`plain`: show what users typed. `clock` and `timer` in nanoseconds."""
        self.tracer, self.measures, self.hasher = tracer, measures, hasher
        self.plain, self.clock, self.timer = plain, clock, timer

    def observe(self, name: str, subject: object = None) -> "WatchedStage":
        return WatchedStage(self, name, subject)

    def note(self, occurrence: str) -> None:
        try:
            span = trace.get_current_span()
            if span.is_recording():  # the request may have been answered without waiting for this
                span.add_event(occurrence)
            self.measures.occurrence(occurrence)
        except Exception:
            log.exception("telemetry of “%s” failed", occurrence)
        level = logging.WARNING if occurrence == CIRCUIT_OPENED else logging.INFO
        log.log(level, "%s", v.EVENTS[occurrence].meaning, extra={"otel.event.name": occurrence})


class WatchedStage:
    """One stage under way."""

    __slots__ = (
        "_name", "_record", "_span", "_started", "_subject", "_timed", "_token", "_watch", "result",
    )  # fmt: skip

    def __init__(self, watch: TelemetryStages, name: str, subject: object) -> None:
        self._watch, self._name, self._subject = watch, name, subject
        self.result: Any = None
        self._span: Span
        self._token: Token[context_api.Context] | None

    def __enter__(self) -> Self:
        self._token, self._span, self._record = None, INVALID_SPAN, current.get()
        self._started, self._timed = self._watch.clock(), self._watch.timer()
        try:
            self._begin()
        except Exception:
            log.exception("telemetry of the stage “%s” failed", self._name)
        return self

    def _begin(self) -> None:
        watch, name = self._watch, self._name
        if name in OF_THE_REQUEST:
            self._span = trace.get_current_span()
        else:
            self._span = watch.tracer.start_span(name, start_time=self._started)
            self._token = context_api.attach(trace.set_span_in_context(self._span))
        if self._record is not None and isinstance(self._subject, Request):
            self._record.about[v.INPUT_HASH] = watch.hasher(self._subject.text)

    def __exit__(
        self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None
    ) -> Literal[False]:
        took = self._watch.timer() - self._timed  # the wall clock may be set meanwhile
        try:
            self._tell(took / 1e9, error)
        except Exception:
            log.exception("telemetry of the stage “%s” failed", self._name)
        if self._token is not None:
            context_api.detach(self._token)
            self._end(self._started + took)
        return False

    def _end(self, ended: int) -> None:
        try:
            self._span.end(ended)
        except Exception:
            log.exception("telemetry of the stage “%s” failed", self._name)

    def _tell(self, seconds: float, left: BaseException | None) -> None:
        result, watch, span, record = self.result, self._watch, self._span, self._record
        failure = left or (result.failure if type(result) in MAY_HAVE_FAILED else None)
        kind = None if failure is None or is_the_clients(failure) else error_type(failure)
        watch.measures.stage(self._name, seconds, result, kind, span.get_span_context())
        told = describe(result)
        if watch.plain and isinstance(result, Query):
            told[v.QUERY_TEXT] = result.text
        if record is not None:
            record.took(self._name, seconds)
            _remember(record, result, told, kind)
            if left is not None:  # never undone: the topic signal may come in after the failure
                record.failed = kind
        if not span.is_recording():
            return
        span.set_attributes(told)
        for event in events(result):
            span.add_event(event)
        if type(result) is Noted and (link := link_to(result.served.trace)) is not None:
            span.add_link(link)
        if failure is not None and kind is not None and self._token is not None:
            span.record_exception(failure)
            span.set_status(StatusCode.ERROR)


def _remember(record: RequestRecord, result: object, told: Attributes, kind: str | None) -> None:
    """For the wide event."""
    if type(result) is Batch:
        record.add(told)
    else:
        record.about.update(told)
    if type(result) is Recommendation:
        record.recommended, record.degraded = True, bool(result.degraded)
        if result.kept:  # then no stage has told
            record.about.update(everything(result))
    if kind is not None:
        record.about.setdefault(ERROR_TYPE, kind)
