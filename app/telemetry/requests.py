"""What every request gets: the id of its trace and the times of its stages in the response, and
one wide event with everything known about it."""

import logging
import time
from collections.abc import Iterable
from http import HTTPStatus

from opentelemetry import trace
from opentelemetry._logs import SeverityNumber
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.semconv.attributes.error_attributes import ERROR_TYPE
from opentelemetry.semconv.attributes.http_attributes import (
    HTTP_REQUEST_METHOD,
    HTTP_RESPONSE_STATUS_CODE,
    HTTP_ROUTE,
)
from opentelemetry.util.http import sanitize_method
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.paths import is_untraced
from app.api.problems import PROBLEM
from app.telemetry import vocabulary as v
from app.telemetry.attributes import Attributes
from app.telemetry.context import traceparent
from app.telemetry.lean import restored
from app.telemetry.measures import Measures
from app.telemetry.record import RequestRecord, about_this_request, current
from app.telemetry.spans import QuickSpan
from app.telemetry.wide_events import WideEvents

BROKEN_OFF = "broken-off"
ASKED_FOR = (b"vitrine-debug", b"1")
"""A header with which a caller asks that the trace be kept, whatever is sampled."""
log = logging.getLogger(__name__)


class RequestTelemetry:
    """ASGI middleware, inside the server span and outside everything else."""

    def __init__(
        self,
        app: ASGIApp,
        measures: Measures,
        events: WideEvents,
    ) -> None:
        self._app, self._measures, self._events = app, measures, events
        self._active = 0
        measures.watch(v.ACTIVE_REQUESTS, self._observe_active)

    def _observe_active(self, _: CallbackOptions) -> Iterable[Observation]:
        return (Observation(self._active),)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        restored(scope)
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if is_untraced(scope):
            with suppress_instrumentation():
                await self._app(scope, receive, send)
            return
        answer = _Answer(self, scope, send)
        self._active += 1
        token = current.set(answer.record)
        if ASKED_FOR in scope["headers"]:
            about_this_request(v.DEBUG, True)
        try:
            await self._app(scope, receive, answer.send)
        finally:
            answer.ended()
            current.reset(token)
            self._active -= 1

    def tell(self, record: RequestRecord, scope: Scope, status: int, seconds: float) -> None:
        """The wide event; and the problem, where there was one."""
        about: Attributes = {
            HTTP_REQUEST_METHOD: sanitize_method(scope["method"]),
            v.DURATION: round(seconds, 6),
            **record.about,
        }
        if status:
            about[HTTP_RESPONSE_STATUS_CODE] = status
        if (route := _route(scope)) is not None:
            about[HTTP_ROUTE] = route
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            about[ERROR_TYPE] = record.failed or str(status)
        if (problem := _problem(scope)) is not None:
            about[v.PROBLEM] = problem
            self._measures.problem(problem, status)
        for stage, took in record.stages.items():
            about[v.STAGE_DURATIONS[stage]] = round(took, 6)
        event = v.SERVED if record.recommended and status < HTTPStatus.BAD_REQUEST else v.ANSWERED
        severity = _severity(status, degraded=record.degraded or v.BROKEN_OFF in about)
        self._events.emit(event, severity, about)


class _Answer:
    """One response on its way out."""

    __slots__ = ("_complete", "_scope", "_send", "_started", "_status", "_told", "record")

    def __init__(self, telling: RequestTelemetry, scope: Scope, send: Send) -> None:
        self._told, self._scope, self._send = telling, scope, send
        self._started = time.perf_counter_ns()
        self._status, self._complete = 0, False
        self.record = RequestRecord()

    async def send(self, message: Message) -> None:
        seconds = (time.perf_counter_ns() - self._started) / 1e9
        try:
            if message["type"] == "http.response.start":
                self._status = message["status"]
                message = {**message, "headers": [*message["headers"], *self._headers(seconds)]}
                self._mark()
            elif not message.get("more_body", False):
                self._complete = True
                self._told.tell(self.record, self._scope, self._status, seconds)
        except Exception:
            log.exception("telemetry of a response failed")
        await self._send(message)

    def ended(self) -> None:
        """Nothing more will be sent; tell of it where it is not the end of the response."""
        try:
            self._end()
        except Exception:
            log.exception("telemetry of a response failed")

    def _end(self) -> None:
        if not self._complete:
            self._scope.setdefault(PROBLEM, BROKEN_OFF)
            self.record.about[v.BROKEN_OFF] = True
            trace.get_current_span().set_attribute(v.BROKEN_OFF, True)
            seconds = (time.perf_counter_ns() - self._started) / 1e9
            self._told.tell(self.record, self._scope, self._status, seconds)

    def _headers(self, seconds: float) -> Iterable[tuple[bytes, bytes]]:
        """https://www.w3.org/TR/server-timing/ and https://www.w3.org/TR/trace-context-2/"""
        stages = (
            f"{name.replace(' ', '_')};dur={1000 * took:.3f}"
            for name, took in self.record.stages.items()
        )
        timing = ", ".join((*stages, f"total;dur={1000 * seconds:.3f}"))
        return (b"server-timing", timing.encode()), (b"traceresponse", traceparent().encode())

    def _mark(self) -> None:
        """What the server span says of a problem."""
        problem, span = _problem(self._scope), trace.get_current_span()
        if problem is not None and span.is_recording():
            span.set_attribute(v.PROBLEM, problem)
            if self._status == HTTPStatus.UNPROCESSABLE_ENTITY:
                span.add_event(v.SCHEMA_FAILED)


def _severity(status: int, *, degraded: bool) -> SeverityNumber:
    """ERROR: somebody must look. WARN: the service did less than it should."""
    if status in (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS):
        return SeverityNumber.WARN
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return SeverityNumber.ERROR
    return SeverityNumber.WARN if degraded else SeverityNumber.INFO


def _route(scope: Scope) -> str | None:
    """The route's template, known to the server span also where the guard let nothing through."""
    span = trace.get_current_span()
    held = span.attributes if isinstance(span, QuickSpan) else None
    found = (held or {}).get(HTTP_ROUTE) or getattr(scope.get("route"), "path_format", None)
    return None if found is None else str(found)


def _problem(scope: Scope) -> str | None:
    """The kind of problem in the answer, if there is one."""
    problem: str | None = scope.get(PROBLEM)
    return problem if problem is None or problem in v.PROBLEMS else "other"
