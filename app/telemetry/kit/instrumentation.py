"""Instrumentation of FastAPI, httpx, sqlite3 and SQLAlchemy for one application.

The libraries get explicit providers, so that several applications can run in one process (as in
tests), and nothing stays instrumented when one ends.
"""

import os
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx
from fastapi import FastAPI
from opentelemetry.context import Context
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.instrumentation.fastapi.version import __version__ as fastapi_version
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor, RequestInfo
from opentelemetry.instrumentation.instrumentor import BaseInstrumentor  # type: ignore[attr-defined]
from opentelemetry.instrumentation.sqlite3 import SQLite3Instrumentor
from opentelemetry.instrumentation.utils import is_instrumentation_enabled
from opentelemetry.metrics import Histogram, MeterProvider
from opentelemetry.propagate import get_global_textmap, set_global_textmap
from opentelemetry.propagators.textmap import TextMapPropagator
from opentelemetry.semconv.attributes.db_attributes import (
    DB_OPERATION_NAME,
    DB_QUERY_TEXT,
    DB_SYSTEM_NAME,
)
from opentelemetry.semconv.attributes.error_attributes import ERROR_TYPE
from opentelemetry.semconv.schemas import Schemas
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer, TracerProvider
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.http import sanitize_method
from starlette.middleware import Middleware

from .call_phases import CallPhases
from .measurements import Instruments
from .minimal_scope import MinimalScope
from .vocabulary import DATABASE_DURATION, SERVER_DURATION, CoreNames

URL_TEMPLATE = "url.template"
SYSTEMS = {
    "postgresql": "postgresql", "mysql": "mysql", "mariadb": "mariadb", "sqlite": "sqlite",
    "mssql": "microsoft.sql_server", "oracle": "oracle.db",
}  # fmt: skip
"""From the names of SQLAlchemy's dialects to the conventions' values of `db.system.name`."""
CONVENTIONS = ("OTEL_SEMCONV_STABILITY_OPT_IN", "http,database")
"""Selects the stable conventions; must be set before the first `instrument`. By default the
libraries use those from before 2023, which have user input in more attributes."""

BY_DEFAULT = {"traceparent", "tracestate", "baggage"}
"""Headers that the API propagates by default."""


def instrumented_by_others() -> list[str]:
    """The libraries that other code has instrumented for the complete process."""
    known: Mapping[str, BaseInstrumentor] = {
        "FastAPI": FastAPIInstrumentor(),
        "httpx": HTTPXClientInstrumentor(),
        "sqlite3": SQLite3Instrumentor(),
    }
    return [name for name, each in known.items() if each.is_instrumented_by_opentelemetry]


class NoPropagation(TextMapPropagator):
    """Propagates nothing. (With `none`, the API's propagator extracts None, which raises later.)"""

    def extract(self, carrier: Any, context: Context | None = None, getter: Any = None) -> Context:  # noqa: ARG002
        return Context() if context is None else context

    def inject(self, carrier: Any, context: Context | None = None, setter: Any = None) -> None: ...

    @property
    def fields(self) -> set[str]:
        return set()


def prepare() -> None:
    """Set process-wide options; must be called before anything is instrumented.

    Unless OTEL_PROPAGATORS is set, only the trace context is propagated: `baggage`, which the API
    propagates by default too, would be handed on from every caller to everybody who is called.
    """
    os.environ.update([CONVENTIONS])
    fields = get_global_textmap().fields
    if not fields:  # OTEL_PROPAGATORS=none
        set_global_textmap(NoPropagation())
    elif fields == BY_DEFAULT and not os.environ.get("OTEL_PROPAGATORS"):
        set_global_textmap(TraceContextTextMapPropagator())


@contextmanager
def instrumented(
    app: FastAPI,
    inside: Middleware,
    traces: TracerProvider,
    metrics: MeterProvider,
    untraced: str,
) -> Iterator[None]:
    """Server spans around `app`, with the middleware `inside` directly below them.

    Call it in the application's lifespan, after its middleware stack was built: it is rebuilt.
    `untraced`: a regular expression of paths without spans.
    """
    app.user_middleware.insert(0, inside)
    FastAPIInstrumentor.instrument_app(
        app,
        tracer_provider=traces,
        meter_provider=metrics,
        excluded_urls=rf"^https?://[^/]*({untraced})$",
        exclude_spans=["send", "receive"],
    )
    app.middleware_stack = MinimalScope(app.build_middleware_stack())
    try:
        yield
    finally:
        app.user_middleware.remove(inside)
        FastAPIInstrumentor.uninstrument_app(app)


def server_duration(metrics: MeterProvider) -> Histogram:
    """The histogram of the server instrumentation, for requests refused before it.

    The SDK returns the same instrument only if all arguments are equal.
    """
    schema = Schemas.V1_21_0.value
    meter = metrics.get_meter("opentelemetry.instrumentation.fastapi", fastapi_version, schema)
    return meter.create_histogram(
        SERVER_DURATION,
        "s",
        "Duration of HTTP server requests.",
        explicit_bucket_boundaries_advisory=[
            0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
        ],
    )  # fmt: skip


class Calls:
    """Observes the calls of httpx clients."""

    def __init__(
        self,
        traces: TracerProvider,
        metrics: MeterProvider,
        core: CoreNames,
        instruments: Instruments,
    ) -> None:
        self._traces, self._metrics = traces, metrics
        self._core, self._instruments = core, instruments

    def instrument(self, client: httpx.AsyncClient | httpx.Client) -> None:
        """Emit a client span for every call, and send the trace context in its headers.

        The span is named after the request's extension `url_template`, if there is one:
        https://opentelemetry.io/docs/specs/semconv/http/http-spans/#name
        """
        HTTPXClientInstrumentor.instrument_client(
            client,
            tracer_provider=self._traces,
            meter_provider=self._metrics,
            request_hook=self._began_asynchronously
            if isinstance(client, httpx.AsyncClient)
            else self._began,
        )

    def _began(self, span: Span, request: RequestInfo, *, asynchronous: bool = False) -> None:
        """Name the span, if the call has a template; observe the call's phases."""
        extensions = request.extensions or {}
        phases = CallPhases(span, self._core, self._instruments)
        phases.observe(request.extensions, asynchronous=asynchronous)
        template = extensions.get("url_template")
        if template and span.is_recording():
            span.set_attribute(URL_TEMPLATE, template)
            method = request.method
            text = method.decode("ascii") if isinstance(method, bytes) else method
            span.update_name(f"{sanitize_method(text)} {template}")

    async def _began_asynchronously(self, span: Span, request: RequestInfo) -> None:
        self._began(span, request, asynchronous=True)


def instrument_sqlite(connection: sqlite3.Connection, traces: TracerProvider) -> sqlite3.Connection:
    """Emit a client span for every statement of a cursor (but not of `connection.execute`).

    Its metric is recorded with the global meter provider; the library accepts no other.
    """
    observed: sqlite3.Connection = SQLite3Instrumentor.instrument_connection(
        connection, tracer_provider=traces
    )
    return observed


class SqlAlchemyStatements:
    """Spans and durations of an engine's statements, from SQLAlchemy's events.

    The contrib instrumentation puts the path of the database file into span names and has no
    duration metric. Statements are reported with placeholders, without parameters.
    """

    def __init__(self, engine: Any, tracer: Tracer, instruments: Instruments) -> None:
        """`engine`: a `sqlalchemy.Engine` (of an AsyncEngine its `sync_engine`)."""
        from sqlalchemy import event  # noqa: PLC0415 - an optional dependency

        self._tracer, self._instruments = tracer, instruments
        self._system = SYSTEMS.get(engine.dialect.name, "other_sql")
        event.listen(engine, "before_cursor_execute", self._before)
        event.listen(engine, "after_cursor_execute", self._after)
        event.listen(engine, "handle_error", self._failed)

    def _before(self, _: Any, __: Any, statement: str, ___: Any, context: Any, ____: Any) -> None:
        if not is_instrumentation_enabled():  # an untraced path
            return
        operation = (statement.split(None, 1) or ["query"])[0].upper()
        attributes = {
            DB_SYSTEM_NAME: self._system,
            DB_OPERATION_NAME: operation,
            DB_QUERY_TEXT: statement,
        }
        span = self._tracer.start_span(operation, kind=SpanKind.CLIENT, attributes=attributes)
        context.observed_statement = (span, operation, time.perf_counter())

    def _after(self, _: Any, __: Any, ___: Any, ____: Any, context: Any, _____: Any) -> None:
        self._finish(context, None)

    def _failed(self, failure: Any) -> None:
        if failure.execution_context is not None:
            self._finish(failure.execution_context, type(failure.original_exception).__qualname__)

    def _finish(self, context: Any, error: str | None) -> None:
        observed = context.__dict__.pop("observed_statement", None)
        if observed is None:  # it failed before the statement, or later, while rows were fetched
            return
        span, operation, began = observed
        labels = {DB_SYSTEM_NAME: self._system, DB_OPERATION_NAME: operation, ERROR_TYPE: error}
        self._instruments.record(DATABASE_DURATION, time.perf_counter() - began, labels)
        if error is not None:
            span.set_attribute(ERROR_TYPE, error)
            span.set_status(StatusCode.ERROR)
        span.end()
