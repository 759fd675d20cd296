"""The instrumentation libraries: FastAPI, httpx and sqlite3, tuned, and bound to one application.

They are given the providers they report to, so that several applications can live in one process
(as in tests) and a worker's end leaves nothing behind.
"""

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx
from fastapi import FastAPI
from opentelemetry.context import Context
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor, RequestInfo
from opentelemetry.instrumentation.instrumentor import BaseInstrumentor  # type: ignore[attr-defined]
from opentelemetry.instrumentation.sqlite3 import SQLite3Instrumentor
from opentelemetry.metrics import Histogram, Meter, MeterProvider, NoOpHistogram, NoOpMeter
from opentelemetry.propagate import get_global_textmap, set_global_textmap
from opentelemetry.propagators.textmap import TextMapPropagator
from opentelemetry.trace import Span, TracerProvider, get_current_span
from opentelemetry.util.http import sanitize_method
from starlette.middleware import Middleware

from app.api.paths import UNTRACED
from app.telemetry.lean import Lean
from app.telemetry.naming import Metric
from app.telemetry.tallies import Tallies, Tally
from app.telemetry.vocabulary import OF_LIBRARIES

STABLE = ("OTEL_SEMCONV_STABILITY_OPT_IN", "http,database")
"""Must be set before the first `instrument`: the old conventions are the libraries' default, and
what people type stands under more names in them."""
LIBRARIES = "opentelemetry.instrumentation."
URL_TEMPLATE = "url.template"
UNTRACED_URLS = rf"^https?://[^/]*({UNTRACED.pattern})$"


def instrumented_by_others() -> list[str]:
    """The libraries that something else has instrumented for the whole process."""
    ours: Mapping[str, BaseInstrumentor] = {
        "FastAPI": FastAPIInstrumentor(),
        "httpx": HTTPXClientInstrumentor(),
        "sqlite3": SQLite3Instrumentor(),
    }
    return [name for name, each in ours.items() if each.is_instrumented_by_opentelemetry]


class Instrumentation:
    """Puts the libraries around an application's parts."""

    def __init__(self, traces: TracerProvider, metrics: MeterProvider) -> None:
        os.environ.update([STABLE])
        if not get_global_textmap().fields:  # OTEL_PROPAGATORS=none
            set_global_textmap(NoPropagation())
        self._traces, self._metrics = traces, metrics

    @contextmanager
    def application(self, app: FastAPI, inside: Middleware) -> Iterator[None]:
        """Server spans around `app`, with `inside` directly below them.

        The application has started already (this is called in its lifespan), so its middleware is
        built anew.
        """
        app.user_middleware.insert(0, inside)
        FastAPIInstrumentor.instrument_app(
            app,
            tracer_provider=self._traces,
            meter_provider=self._metrics,
            excluded_urls=UNTRACED_URLS,
            exclude_spans=["send", "receive"],
        )
        app.middleware_stack = Lean(app.build_middleware_stack())
        try:
            yield
        finally:
            app.user_middleware.remove(inside)
            FastAPIInstrumentor.uninstrument_app(app)

    def client(self, client: httpx.AsyncClient) -> None:
        """A client span, and the trace context in the headers, for every call.

        A request whose extensions have a `url_template` gives its span that name:
        https://opentelemetry.io/docs/specs/semconv/http/http-spans/#name
        """
        HTTPXClientInstrumentor.instrument_client(
            client,
            tracer_provider=self._traces,
            meter_provider=self._metrics,
            request_hook=_named_by_template,
        )

    def connection(self, connection: sqlite3.Connection) -> sqlite3.Connection:
        """A client span for every statement of a cursor (`connection.execute` has none).

        Its metric goes to the global meter provider; the library can't be told another.
        """
        watched: sqlite3.Connection = SQLite3Instrumentor.instrument_connection(
            connection, tracer_provider=self._traces
        )
        return watched


async def _named_by_template(span: Span, request: RequestInfo) -> None:
    """Else it is called by the method alone, like a server span without a route."""
    template = (request.extensions or {}).get("url_template")
    if template and span.is_recording():
        span.set_attribute(URL_TEMPLATE, template)
        span.update_name(f"{sanitize_method(_text(request.method))} {template}")


def _text(value: str | bytes) -> str:
    return value.decode("ascii") if isinstance(value, bytes) else value


class NoPropagation(TextMapPropagator):
    """Carries nothing. The API's own for `none` extracts no context at all, which raises later."""

    def extract(self, carrier: Any, context: Context | None = None, getter: Any = None) -> Context:  # noqa: ARG002
        return Context() if context is None else context

    def inject(self, carrier: Any, context: Context | None = None, setter: Any = None) -> None: ...

    @property
    def fields(self) -> set[str]:
        return set()


class QuickMetrics(MeterProvider):
    """The SDK's provider; the libraries' durations are tallied, their other metrics left out."""

    def __init__(self, sdk: MeterProvider, tallies: Tallies) -> None:
        self._sdk, self._tallies = sdk, tallies

    def get_meter(self, name: str, *about: Any, **options: Any) -> Meter:
        if name.startswith(LIBRARIES):
            return _LibraryMeter(name, self._tallies)
        return self._sdk.get_meter(name, *about, **options)


class _LibraryMeter(NoOpMeter):
    def __init__(self, name: str, tallies: Tallies) -> None:
        super().__init__(name)
        self._tallies = tallies

    def create_histogram(self, name: str, *about: Any, **options: Any) -> Histogram:
        if (metric := OF_LIBRARIES.get(name)) is not None:
            return _Tallied(metric, self._tallies(metric))
        return super().create_histogram(name, *about, **options)


class _Tallied(NoOpHistogram):
    def __init__(self, metric: Metric, tally: Tally) -> None:
        super().__init__(metric)
        self._names, self._tally = metric.attributes, tally

    def record(
        self,
        amount: float,
        attributes: Mapping[str, Any] | None = None,
        context: Context | None = None,
    ) -> None:
        about = attributes or {}
        at = get_current_span(context).get_span_context()
        self._tally.add(amount, tuple([about.get(name) for name in self._names]), at)
