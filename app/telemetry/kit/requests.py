"""Middleware for every request: response headers with trace id and durations of stages (if they are
on), one wide event with everything known about the request, and a response to unhandled exceptions.
"""

import logging
import re
import sys
import time
from collections.abc import Callable, Iterable
from functools import lru_cache
from http import HTTPStatus

from opentelemetry import trace
from opentelemetry._logs import Logger, SeverityNumber
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.semconv.attributes.error_attributes import ERROR_TYPE, ErrorTypeValues
from opentelemetry.semconv.attributes.http_attributes import (
    HTTP_REQUEST_METHOD,
    HTTP_RESPONSE_STATUS_CODE,
    HTTP_ROUTE,
)
from opentelemetry.trace import StatusCode
from opentelemetry.util.http import sanitize_method
from starlette.applications import Starlette
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .context import traceparent
from .exceptions import EVENT, EVENT_NAME, is_marked
from .measurements import Instruments
from .minimal_scope import restore, route_path
from .request_record import RequestRecord, current, set_request_attribute
from .vocabulary import Attributes, CoreNames, plain_names

PROBLEM = "telemetry.problem"
"""Key in the ASGI scope under which a service puts the kind of problem it responds with."""
RECEIVED = "telemetry.received"
"""Key in the ASGI scope under which a server puts (time at which it had read the request's head, in
monotonic seconds; seconds that the head had waited in the kernel before)."""
ABORTED = "broken-off"
LAST = ("http.response.body", "http.response.pathsend")
"""Types of the messages that can end a response."""
log = logging.getLogger(__name__)


class RequestTelemetry:
    """ASGI middleware directly inside the server span."""

    def __init__(  # noqa: PLR0913 - named arguments
        self,
        app: ASGIApp,
        *,
        core: CoreNames,
        instruments: Instruments,
        logger: Logger,
        untraced: re.Pattern[str],
        client_hash: Callable[[Scope], str],
        response_headers: bool = True,
    ) -> None:
        """`untraced`: paths that are neither traced nor logged. `client_hash`: keyed hash of the
        client of a request, for the wide event; empty: unknown. `response_headers`: add them."""
        self.response_headers = response_headers
        self._app, self._untraced, self._client_hash = app, untraced, client_hash
        self.core, self._instruments, self._logger = core, instruments, logger
        self._debug = (f"{core.prefix}-debug".encode(), b"1")
        self._active = 0
        instruments.observe(core.active_requests, self._observe_active)

    def _observe_active(self, _: CallbackOptions) -> Iterable[Observation]:
        return (Observation(self._active),)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        restore(scope)
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._untraced.fullmatch(route_path(scope)):
            with suppress_instrumentation():
                await self._app(scope, receive, send)
            return
        response, service = _Response(self, scope, send), scope.get("app")
        self._describe_arrival(scope, response.record)
        self._active += 1
        token = current.set(response.record)
        if self._debug in scope["headers"]:
            set_request_attribute(self.core.debug, value=True)
        try:
            await self._app(scope, receive, response.send)
        except Exception as error:
            if not is_marked(error, "logged"):
                log.exception("unhandled error", extra={EVENT_NAME: EVENT})
            if response.started:  # too late for another response: abort the connection
                raise
            await response.fail(service, receive, error)
        finally:
            response.ended()
            current.reset(token)
            self._active -= 1

    def _describe_arrival(self, scope: Scope, record: RequestRecord) -> None:
        """Who sent the request (hashed), and how long it had waited before this."""
        try:
            if client := self._client_hash(scope):
                record.attributes[self.core.client_hash] = client
            if (received := scope.get(RECEIVED)) is not None:
                read, waited = received
                age = max(time.monotonic() - read + waited, 0.0)
                record.attributes[self.core.age] = round(age, 6)
                self._instruments.record(self.core.request_age, age, {})
        except Exception:
            log.exception("telemetry of a request failed")

    def emit(self, record: RequestRecord, scope: Scope, status: int, seconds: float) -> None:
        """Emit the wide event, and count the problem, if any. `status` 0: no response."""
        core = self.core
        about: Attributes = {
            HTTP_REQUEST_METHOD: sanitize_method(scope["method"]),
            core.duration: round(seconds, 6),
            **record.attributes,
        }
        if status:
            about[HTTP_RESPONSE_STATUS_CODE] = status
        if (route := _route(scope)) is not None:
            about[HTTP_ROUTE] = route
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            about[ERROR_TYPE] = record.failed or str(status)
        if (problem := self.problem(scope)) is not None:
            about[core.problem] = problem
            labels = {core.problem: problem, HTTP_RESPONSE_STATUS_CODE: status or None}
            self._instruments.record(core.problem_count, 1, labels)
        for stage, took in record.stages.items():
            if (name := core.stage_durations.get(stage)) is not None:
                about[name] = round(took, 6)
        if record.degraded:
            about[core.degraded] = True
        done = 0 < status < HTTPStatus.BAD_REQUEST
        event = (record.wide_event if done else None) or core.answered
        severity = _severity(status, degraded=record.degraded or core.aborted in about)
        self._logger.emit(
            timestamp=time.time_ns(),
            severity_number=severity,
            severity_text=severity.name,
            body=str(event),
            event_name=str(event),
            attributes=plain_names(about),
        )

    def problem(self, scope: Scope) -> str | None:
        """The kind of problem in the response, if any."""
        problem: str | None = scope.get(PROBLEM)
        return problem if problem is None or problem in self.core.problems else "other"


class _Response:
    """One response that is being sent."""

    def __init__(self, telemetry: RequestTelemetry, scope: Scope, send: Send) -> None:
        self._telemetry, self._scope, self._send = telemetry, scope, send
        self._began = time.perf_counter_ns()
        self._status, self._complete, self.started = 0, False, False
        self.record = RequestRecord()

    async def send(self, message: Message) -> None:
        seconds = (time.perf_counter_ns() - self._began) / 1e9
        try:
            if message["type"] == "http.response.start":
                self.started = True
                self._status = message["status"]
                if self._telemetry.response_headers:
                    headers = [*message.get("headers", ()), *self._headers(seconds)]
                    message = {**message, "headers": headers}
                self._mark()
            elif message["type"] in LAST and not message.get("more_body", False):
                self._complete = True
                self._telemetry.emit(self.record, self._scope, self._status, seconds)
        except Exception:
            log.exception("telemetry of a response failed")
        await self._send(message)

    async def fail(self, service: Starlette | None, receive: Receive, error: Exception) -> None:
        """Respond as the application wants it: its debug page, its handler of `Exception` or 500,
        or else problem details. (Its own middleware for this is outside of this one.)"""

        async def failed(*_: object) -> None:
            raise error

        self._scope.setdefault(PROBLEM, "internal")
        handlers = service.exception_handlers if service else {}
        handler = handlers.get(500) or handlers.get(Exception) or _problem_details
        debug = service is not None and service.debug
        try:
            await ServerErrorMiddleware(failed, handler, debug)(self._scope, receive, self.send)
        except Exception as raised:
            if raised is not error:  # it is raised again after the response
                raise

    def ended(self) -> None:
        """Nothing more will be sent: report an incomplete response as aborted."""
        try:
            if not self._complete:
                self._scope.setdefault(PROBLEM, ABORTED)
                raised = sys.exc_info()[1]  # also if the request was cancelled
                kind = type(raised).__qualname__ if raised else ErrorTypeValues.OTHER.value
                about: Attributes = {
                    self._telemetry.core.aborted: True,
                    ERROR_TYPE: self.record.failed or kind,
                }
                self.record.attributes.update(about)
                span = trace.get_current_span()
                span.set_attributes(about)
                span.set_status(StatusCode.ERROR)
                seconds = (time.perf_counter_ns() - self._began) / 1e9
                self._telemetry.emit(self.record, self._scope, self._status, seconds)
        except Exception:
            log.exception("telemetry of a response failed")

    def _headers(self, seconds: float) -> Iterable[tuple[bytes, bytes]]:
        """https://www.w3.org/TR/server-timing/ and https://www.w3.org/TR/trace-context-2/"""
        stages = (
            f"{name.replace(' ', '_')};dur={1000 * took:.3f}"
            for name, took in self.record.stages.items()
        )
        timing = ", ".join((*stages, f"total;dur={1000 * seconds:.3f}"))
        return (b"server-timing", timing.encode()), (b"traceresponse", traceparent().encode())

    def _mark(self) -> None:
        """Set the server span's attributes for a problem and for a degraded response."""
        core, span = self._telemetry.core, trace.get_current_span()
        if self.record.degraded and span.is_recording():
            span.set_attribute(core.degraded, True)
        problem = self._telemetry.problem(self._scope)
        if problem is not None and span.is_recording():
            span.set_attribute(core.problem, problem)
            if self._status == HTTPStatus.UNPROCESSABLE_ENTITY:
                span.add_event(core.invalid)


def _problem_details(_: Request, __: Exception) -> JSONResponse:
    """500 with problem details (RFC 9457)."""
    content = {"title": "Internal Server Error", "status": 500}
    return JSONResponse(content, 500, media_type="application/problem+json")


def client_host(scope: Scope) -> str:
    """The address of the client; empty if the server does not know it."""
    return str(scope["client"][0]) if scope.get("client") else ""


def hashed_client(
    client_of: Callable[[Scope], str], hasher: Callable[[str], str]
) -> Callable[[Scope], str]:
    """The keyed hash of what `client_of` returns; empty if that is empty."""
    hash_of = lru_cache(4096)(hasher)

    def client_hash(scope: Scope) -> str:
        client = client_of(scope)
        return hash_of(client) if client else ""

    return client_hash


def _severity(status: int, *, degraded: bool) -> SeverityNumber:
    """ERROR: needs investigation. WARN: degraded or refused."""
    if status in (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS):
        return SeverityNumber.WARN
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return SeverityNumber.ERROR
    return SeverityNumber.WARN if degraded else SeverityNumber.INFO


def _route(scope: Scope) -> str | None:
    """The route's template; the span has it also if the request was refused before routing."""
    attributes = getattr(trace.get_current_span(), "attributes", None) or {}
    found = attributes.get(HTTP_ROUTE) or getattr(scope.get("route"), "path_format", None)
    return None if found is None else str(found)
