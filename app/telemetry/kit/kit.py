"""`Kit`: the telemetry of one service.

    kit = Kit("shop", "1.0", vocabulary, settings, otlp_exporters(settings), loggers=["shop"])
    async with kit.around(app):          # in the lifespan
        client = httpx.AsyncClient()
        kit.client(client)
        ...
    with kit.stages.observe("price basket") as stage:
        stage.result = price(basket)

`examples/shop.py` is a whole service.
"""

import logging
import re
import sqlite3
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from math import isinf
from typing import Any
from weakref import WeakSet

import httpx
from anyio import to_thread
from fastapi import FastAPI
from opentelemetry import metrics, trace
from opentelemetry._logs import SeverityNumber
from opentelemetry.metrics import CallbackOptions, CallbackT, Observation
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.trace import TracerProvider
from pydantic import BaseModel
from starlette.middleware import Middleware
from starlette.types import Scope

from .console_lines import ConsoleLine
from .effective_settings import effective_settings, settings_hash
from .environment import pending_warnings, sdk_disabled, warn_later
from .exceptions import Exceptions
from .exporters import Delivery, Exporters
from .facts import Describe, Failures, nothing
from .instrumentation import (
    Calls,
    SqlAlchemyStatements,
    instrument_sqlite,
    instrumented,
    instrumented_by_others,
    prepare,
    server_duration,
)
from .lines import Lines
from .logs import PrivateHandler, handled, silenced, warnings_on_stderr
from .measurements import Instruments
from .privacy import Hasher
from .process import (
    Limits,
    most_open_files,
    observe_process,
    observe_surroundings,
    observed_loop,
    open_files,
)
from .requests import RequestTelemetry, client_host, hashed_client
from .resource import resource
from .sdk import implementation, providers
from .settings import KitSettings
from .stages import StageConfig, Stages
from .vocabulary import Attributes, CoreNames, Metric, Vocabulary, plain_names

log = logging.getLogger(__name__)
AGENT = (
    "This process was instrumented before the service started (by opentelemetry-instrument or an "
    "agent: {}). The service instruments itself: with both, requests are traced twice and with old "
    "conventions, and metrics are missing. Start it without the agent, or set "
    "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS=*; to use only the agent, turn telemetry off in the "
    "service's settings"
)
_made_global: WeakSet[TracerProvider] = WeakSet()
ANOTHER_SDK = (
    "Another OpenTelemetry SDK is set up in this process. The service's telemetry is exported by "
    "the OTEL_* variables; durations of SQL statements, and telemetry of other code, go to the "
    "other SDK"
)


class Kit:
    """The providers of one worker process and the instrumentation. Use `around`, or `close` it.

    It emits nothing if `settings.enabled` is false or OTEL_SDK_DISABLED is true; logging and the
    application stay as they are then.
    """

    def __init__(  # noqa: PLR0913 - one object instead of module constants
        self,
        name: str,
        version: str,
        vocabulary: Vocabulary,
        settings: KitSettings,
        exporters: Exporters,
        *,
        facts: Describe = nothing,
        failures: Failures = Failures(),  # noqa: B008 - frozen
        user_text: Callable[[object], str | None] = lambda _: None,
        request_stages: Collection[str] = (),
        loggers: Collection[str],
        untraced: str = "/livez|/readyz",
        shown: Mapping[str, str] = {},
        client_of: Callable[[Scope], str] = client_host,
        ids: IdGenerator | None = None,
    ) -> None:
        """Set up providers, logging and metrics.

        `name`: of the service and its instrumentation scope. `facts`: what is emitted for results
        of stages. `failures`: how exceptions are reported. `user_text`: from a stage's subject to
        the text that a user typed, or None. `request_stages`: stages that do the complete work of
        a request and have no own span. `loggers`: top-level names of the service's loggers, whose
        records are emitted from INFO up and whole; of others, the first line of warnings'
        templates.
        `untraced`: a regular expression of paths that are neither traced nor logged. `shown`:
        further attributes of a request's console line, with their names there. `client_of`: what
        identifies the client of a request; by default its address.
        """
        self.settings, self.core = settings, vocabulary.core
        self.enabled = settings.enabled and not sdk_disabled()
        if self.enabled:
            prepare()
        about = resource(name, version, settings)
        plain = settings.query_text == "plain"
        created = providers(
            implementation(settings.sdk),
            about,
            exporters if self.enabled else Exporters(None, None, None),
            core=self.core,
            lines=_lines(settings, self.core, shown) if self.enabled else None,
            plain=plain,
            ids=ids,
        )
        self.traces, self.metrics, self.logs, self._ends = created
        self._closing: list[threading.Thread] = []
        self.tracer = self.traces.get_tracer(name, version, about.schema_url)
        meter = self.metrics.get_meter(name, version, about.schema_url)
        self.instruments = Instruments(meter)
        self.server_duration = server_duration(self.metrics)
        secret = settings.hash_key
        hasher = Hasher(secret.get_secret_value() if secret else None)
        config = StageConfig(self.core, facts, failures, request_stages, user_text, plain)
        logger = self.logs.get_logger(name, version, about.schema_url)
        exceptions = Exceptions(failures, logger, self.core)
        self.stages = Stages(self.tracer, self.instruments, exceptions, hasher, config)
        self._handler = PrivateHandler(self.logs, exceptions, loggers)
        self._loggers, self._untraced = loggers, untraced
        self.middleware = Middleware(
            RequestTelemetry,
            core=self.core,
            instruments=self.instruments,
            logger=logger,
            untraced=re.compile(untraced),
            client_hash=hashed_client(client_of, hasher),
            response_headers=settings.response_headers,
        )
        self._logger = logger
        self._calls = Calls(self.traces, self.metrics, self.core, self.instruments)
        self.limits = Limits(self.instruments, self.core)
        self.limits.observe("file_descriptors", open_files, most_open_files)
        observe_process(meter)
        observe_surroundings(self.instruments, self.core)
        self._observe_delivery(exporters.delivery)

    def _observe_delivery(self, delivery: Delivery | None) -> None:
        if delivery is not None:
            counts = {self.core.lost: delivery.lost, self.core.unconfirmed: delivery.unconfirmed}
            for metric, by_signal in counts.items():
                self.instruments.observe(metric, self._observe(by_signal))

    def _observe(self, by_signal: Mapping[str, int]) -> CallbackT:
        def observe(_: CallbackOptions) -> Iterable[Observation]:
            signal = self.core.signal
            return [Observation(by_signal[each], {signal: each}) for each in signal.values]

        return observe

    @asynccontextmanager
    async def around(self, app: FastAPI) -> AsyncIterator[None]:
        """Observe an application for the length of the block; then send the remaining telemetry."""
        if not self.enabled:
            yield
            return
        with ExitStack() as stack:
            stack.enter_context(silenced(self._is_sending))
            stack.callback(self.close)
            stack.enter_context(handled(self._handler, self._loggers))
            if self.settings.logs == "off":
                stack.enter_context(warnings_on_stderr())
            for sentence in pending_warnings():
                log.warning("%s", sentence)
            stack.enter_context(
                instrumented(app, self.middleware, self.traces, self.metrics, self._untraced)
            )
            self._observe_threads()
            async with observed_loop(self.instruments, self.core):
                yield

    def _observe_threads(self) -> None:
        threads = to_thread.current_default_thread_limiter()

        def most() -> int | None:
            return None if isinf(threads.total_tokens) else int(threads.total_tokens)

        self.limits.observe("worker_threads", lambda: threads.borrowed_tokens, most)

    @contextmanager
    def command(self) -> Iterator[Stages]:
        """Observe a program that is no server; at the end of the block send what remains."""
        if not self.enabled:
            yield self.stages
            return
        with ExitStack() as stack:
            stack.enter_context(silenced(self._is_sending))
            stack.callback(self.close)
            stack.enter_context(handled(self._handler, self._loggers))
            yield self.stages

    def started(
        self, settings: BaseModel, about: Mapping[str, Any], without: Collection[str] = ()
    ) -> Attributes:
        """Emit the event that the service has started, with its effective settings, `without` some
        groups of them, and `about`.

        Returns the attribute with the hash of the settings.
        """
        shown = effective_settings(settings, without)
        identity: Attributes = {str(self.core.settings_hash): settings_hash(shown)}
        self._logger.emit(
            timestamp=time.time_ns(),
            severity_number=SeverityNumber.INFO,
            severity_text=SeverityNumber.INFO.name,
            body=self.core.started.meaning,
            event_name=str(self.core.started),
            attributes=plain_names({**about, **identity, self.core.settings: shown}),
        )
        return identity

    def client(self, client: httpx.AsyncClient | httpx.Client) -> None:
        """Observe the calls of an httpx client."""
        if self.enabled:
            self._calls.instrument(client)

    def sqlite(self, connection: sqlite3.Connection) -> sqlite3.Connection:
        """A connection whose cursors' statements are observed."""
        return instrument_sqlite(connection, self.traces) if self.enabled else connection

    def sqlalchemy(self, engine: Any) -> None:
        """Observe the statements of a SQLAlchemy engine."""
        if self.enabled:
            SqlAlchemyStatements(engine, self.tracer, self.instruments)

    def observe(self, metric: Metric, callback: CallbackT) -> None:
        """Register a callback for a gauge or counter, called for each export of metrics."""
        self.instruments.observe(metric, callback)

    def flush(self) -> None:
        """Send everything in the queues now."""
        for provider in (self.logs, self.traces, self.metrics):
            provider.force_flush()

    def close(self) -> None:
        """Send everything in the queues, all signals in parallel, within `shutdown_seconds`."""
        threads = self._closing = [
            threading.Thread(target=each, daemon=True) for each in self._ends
        ]
        until = time.monotonic() + self.settings.shutdown_seconds
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(max(until - time.monotonic(), 0))

    def _is_sending(self) -> bool:
        return any(thread.is_alive() for thread in self._closing)


def _lines(settings: KitSettings, core: CoreNames, shown: Mapping[str, str]) -> Lines | None:
    """The exporter of lines on standard output: text at a terminal, else JSON; None: off."""
    if settings.logs == "off" or sys.stdout is None:  # None: it was closed at start
        return None
    person = settings.logs == "text" or (settings.logs == "auto" and sys.stdout.isatty())
    form = ConsoleLine(core, settings.trace_url, shown) if person else None
    return Lines(sys.stdout.buffer, form)


def use_globally(kit: Kit) -> None:
    """Make a kit's providers the global ones, for libraries that accept no others.

    Providers of an agent or another SDK are not replaced; a warning says what to do.
    """
    if not kit.enabled:
        return
    others = instrumented_by_others()
    found = trace.get_tracer_provider()
    if isinstance(found, trace.ProxyTracerProvider):  # none is set
        trace.set_tracer_provider(kit.traces)
        metrics.set_meter_provider(kit.metrics)
        _made_global.add(kit.traces)
    elif not others and found not in _made_global:
        warn_later(ANOTHER_SDK)
    if others:
        warn_later(AGENT.format(", ".join(others)))
