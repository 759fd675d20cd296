"""Sets up the service's telemetry: the kit with its vocabulary and facts, and observed gauges."""

import sqlite3
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from http import HTTPStatus

from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.semconv.attributes.error_attributes import ERROR_TYPE
from opentelemetry.semconv.attributes.http_attributes import (
    HTTP_REQUEST_METHOD,
    HTTP_RESPONSE_STATUS_CODE,
    HTTP_ROUTE,
)
from opentelemetry.semconv.attributes.network_attributes import NETWORK_PROTOCOL_VERSION
from opentelemetry.semconv.attributes.url_attributes import URL_SCHEME
from opentelemetry.util.http import sanitize_method
from starlette.types import Scope

from app import __version__
from app.api.pages import UNTRACED
from app.api.rate_limit import client_of
from app.catalogue import feedback_journal
from app.composition import Parts
from app.model.watch import Watch
from app.recommend.types import ModelCard
from app.settings import TelemetrySettings
from app.telemetry import vocabulary as v
from app.telemetry.facts import FAILURES, REQUEST_STAGES, facts, user_text, weights
from app.telemetry.flag_evaluations import FlagEvaluations
from app.telemetry.kit.exporters import Exporters
from app.telemetry.kit.kit import Kit, use_globally
from app.telemetry.kit.minimal_scope import route_path
from app.telemetry.kit.requests import RECEIVED
from app.telemetry.kit.sdk import otlp_exporters
from app.telemetry.kit.vocabulary import Attributes, plain_names
from app.telemetry.online_metric import observe_online
from app.wikipedia.signal import WikipediaSignal

PLAIN_ROUTES = frozenset({
    "/recommend", "/recommend/batch", "/feedback", "/documents", "/categories",
    "/models", "/models/online", "/models/rollback",
})  # fmt: skip
"""Routes without parameters: their path is their template."""


class Telemetry(Kit):
    """The telemetry of one worker process; implements `Instrumentation`."""

    def __init__(
        self, settings: TelemetrySettings, exporters: Exporters, ids: IdGenerator | None = None
    ) -> None:
        """`ids` generates trace and span ids."""
        super().__init__(
            v.SCOPE,
            __version__,
            v.VOCABULARY,
            settings,
            exporters,
            facts=facts,
            failures=FAILURES,
            user_text=user_text,
            request_stages=REQUEST_STAGES,
            loggers=("app",),
            untraced=UNTRACED.pattern,
            shown={v.MISSING: "without", v.CACHE_OUTCOME: "cache"},
            client_of=client_of,
            ids=ids,
        )
        self.connection = self.sqlite
        self.flag_hooks = (FlagEvaluations(self.logs.get_logger(v.SCOPE, __version__)),)

    def limited(self, name: str, used: Callable[[], int], limit: int) -> None:
        """Observe a limited resource."""
        self.limits.observe(name, used, lambda: limit)

    def refused(self, problem: str, status: int | None, scope: Scope | None) -> None:
        """Count a request that was refused before the instrumented application."""
        labels = {self.core.problem: problem, HTTP_RESPONSE_STATUS_CODE: status}
        self.instruments.record(self.core.problem_count, 1, labels)
        if scope is None or status is None:
            return
        read, _ = scope.get(RECEIVED, (time.monotonic(), 0.0))
        path = route_path(scope)
        failed = status >= HTTPStatus.INTERNAL_SERVER_ERROR
        about = {
            HTTP_ROUTE: path if path in PLAIN_ROUTES else None,
            HTTP_REQUEST_METHOD: sanitize_method(scope["method"]),
            HTTP_RESPONSE_STATUS_CODE: status,
            ERROR_TYPE: str(status) if failed else None,
            URL_SCHEME: scope["scheme"],
            NETWORK_PROTOCOL_VERSION: scope["http_version"],
        }
        present = {name: value for name, value in about.items() if value is not None}
        self.server_duration.record(time.monotonic() - read, present)

    def parts(self, parts: Parts) -> None:
        """Report what is running; observe the size of the catalogue, the age of the model, the
        journal's buffer and its losses."""
        self._report_start(parts)
        most = feedback_journal.PENDING
        self.limited("journal_buffer", lambda: parts.journal.pending, most)
        if isinstance(parts.topic_signal, WikipediaSignal):
            signal, wikipedia = parts.topic_signal, parts.settings.wikipedia
            self.limited("topic_signal_calls", lambda: signal.calls, wikipedia.connections)

        def documents(_: CallbackOptions) -> Iterable[Observation]:
            with suppress(sqlite3.Error):  # the database may be closed
                yield Observation(len(parts.catalogue))

        def dropped(_: CallbackOptions) -> Iterable[Observation]:
            yield Observation(parts.journal.dropped)

        def age(_: CallbackOptions) -> Iterable[Observation]:
            model = parts.model.now()
            about: Attributes = {v.MODEL_NAME: model.card.name, v.MODEL_VERSION: model.card.version}
            if model.trained_at is not None:
                yield Observation(max(time.time() - model.trained_at, 0.0), about)

        def refused(_: CallbackOptions) -> Iterable[Observation]:
            parts.model.now()
            yield Observation(len(parts.model.refusals))

        def encoder(_: CallbackOptions) -> Iterable[Observation]:
            used = parts.catalogue.models.embedder
            names: Attributes = {v.ENCODER_NAME: used.name, v.ENCODER_VERSION: used.hash}
            yield Observation(int(bool(parts.encoder.problem)), names)

        self._observe_watch(parts.watch)
        self.observe(v.CATALOGUE_SIZE, documents)
        self.observe(v.ENCODER_REFUSED, encoder)
        self.observe(v.JOURNAL_DROPPED, dropped)
        self.observe(v.MODEL_AGE, age)
        self.observe(v.MODEL_REFUSALS, refused)

    def _report_start(self, parts: Parts) -> None:
        embedder = parts.catalogue.models.embedder
        version = f"{embedder.name} {embedder.version}+{embedder.hash}"

        def models() -> Attributes:
            card = parts.model.now().card
            about: Attributes = {v.MODEL_NAME: card.name, v.MODEL_VERSION: card.version}
            return plain_names({**about, v.EMBEDDER: version})

        about: Attributes = {**models(), v.DOCUMENTS: len(parts.catalogue)}
        if by_leg := getattr(parts.model.now().model, "weights", None):
            about[v.WEIGHTS] = weights(tuple(by_leg.items()))
        settings = self.started(parts.settings, about, without=("faults",))

        def info(_: CallbackOptions) -> Iterable[Observation]:
            yield Observation(1, {**settings, **models()})

        self.observe(v.INSTANCE, info)

    def _observe_watch(self, watch: Watch) -> None:
        """Observe the latest evaluation of drift, and what was not watched."""

        def indices(_: CallbackOptions) -> Iterable[Observation]:
            for report in watch.drift_reports():
                for name, each in report.features.items():
                    about = {**_of_model(report.model), v.DRIFT_FEATURE: name}
                    yield Observation(max(each.psi, 0.0), about)

        def detected(_: CallbackOptions) -> Iterable[Observation]:
            for report in watch.drift_reports():
                yield Observation(int(report.drifting), _of_model(report.model))

        def dropped(_: CallbackOptions) -> Iterable[Observation]:
            watchers = {"drift": watch.drift, "shadow": watch.shadow, "student": watch.student}
            for name, each in watchers.items():
                yield Observation(0 if each is None else each.dropped, {v.WATCHER: name})

        self.observe(v.DRIFT_PSI, indices)
        self.observe(v.DRIFT_DETECTED, detected)
        self.observe(v.WATCH_DROPPED, dropped)
        observe_online(self.observe, watch.online)


def _of_model(card: ModelCard) -> Attributes:
    return {v.MODEL_NAME: card.name, v.MODEL_VERSION: card.version}


def from_environment(
    settings: TelemetrySettings, wrap: Callable[[Exporters], Exporters] = lambda each: each
) -> Telemetry:
    """Telemetry over OTLP; its providers become the global ones, for libraries.

    `wrap` may wrap the exporters.
    """
    telemetry = Telemetry(settings, wrap(otlp_exporters(settings)))
    use_globally(telemetry)
    return telemetry
