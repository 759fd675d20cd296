"""The metrics: what is counted and measured of each result, with bounded attributes only."""

import time
from http import HTTPStatus

from opentelemetry.metrics import CallbackT, Meter
from opentelemetry.trace import SpanContext, get_current_span
from opentelemetry.util.http import sanitize_method
from starlette.types import Scope

from app.api.admission import RECEIVED
from app.api.paths import route_path
from app.catalogue.importer import Batch
from app.catalogue.journal import Noted
from app.recommend.stages import RECOMMEND
from app.recommend.topic_signal import Evidence, Outcome
from app.recommend.types import Recommendation
from app.telemetry import vocabulary as v
from app.telemetry.attributes import oov_ratio, rank_bucket
from app.telemetry.naming import Metric
from app.telemetry.tallies import Tallies

PLAIN_ROUTES = frozenset({"/recommend", "/feedback", "/documents", "/categories"})
"""Routes that are known from the path alone."""


class Measures:
    """Every metric of our own. Values stand in the order of the metric's attributes."""

    def __init__(self, meter: Meter, tallies: Tallies) -> None:
        """`meter` is for what is read when metrics are sent."""
        self._meter = meter
        self._stage, self._recommend = tallies(v.STAGE_DURATION), tallies(v.RECOMMEND_DURATION)
        self._oov, self._top_score = tallies(v.QUERY_OOV), tallies(v.TOP_SCORE)
        self._recommendations = tallies(v.RECOMMENDATIONS)
        self._topic, self._cache = tallies(v.TOPIC_REQUESTS), tallies(v.CACHE_REQUESTS)
        self._feedback, self._problems = tallies(v.FEEDBACK), tallies(v.PROBLEM_COUNT)
        self._batches, self._written = tallies(v.BATCHES), tallies(v.DOCUMENTS_WRITTEN)
        self._answered = tallies(v.SERVER_DURATION)
        self._occurrences, self._lag = tallies(v.OCCURRENCES), tallies(v.LOOP_LAG)

    def watch(self, name: Metric, *callbacks: CallbackT) -> None:
        """What is read when metrics are sent."""
        if name.instrument == "gauge":
            self._meter.create_observable_gauge(name, callbacks, name.unit, name.meaning)
        else:
            self._meter.create_observable_counter(name, callbacks, name.unit, name.meaning)

    def stage(
        self, name: str, seconds: float, result: object, error_type: str | None, at: SpanContext
    ) -> None:
        """How long a stage took, and what its result says; exemplars point to the span `at`."""
        if name != RECOMMEND:
            self._stage.add(seconds, (name, error_type), at)
        elif error_type is not None:
            self._recommend.add(seconds, (None, error_type), at)
        if isinstance(result, Recommendation):
            self._recommendation(result, seconds, at)
        elif isinstance(result, Evidence):
            self._evidence(result, error_type, at)
        elif isinstance(result, Noted):
            self._noted(result, at)
        elif isinstance(result, Batch):
            self._batch(result, at)

    def _recommendation(self, result: Recommendation, seconds: float, at: SpanContext) -> None:
        model, degraded = result.model, bool(result.degraded)
        self._recommend.add(seconds, (degraded, None), at)
        self._recommendations.add(1, (model.name, model.version, degraded), at)
        if result.kept is not None:  # somebody typed a query
            self._cache.add(1, ("answers", "hit" if result.kept else "miss"), at)
            self._oov.add(oov_ratio(result.query), (), at)
        if result.ranking.items:
            self._top_score.add(result.ranking.items[0].score, (model.name, model.version), at)

    def _evidence(self, result: Evidence, error_type: str | None, at: SpanContext) -> None:
        hit = "hit" if result.outcome is Outcome.CACHED else "miss"
        self._topic.add(1, (result.outcome.value, error_type), at)
        self._cache.add(1, ("topic_signal", hit), at)

    def _noted(self, result: Noted, at: SpanContext) -> None:
        if not result.repeated:
            card = (result.served.model, result.served.version)
            self._feedback.add(1, (result.kind.value, rank_bucket(result.rank), *card), at)

    def _batch(self, result: Batch, at: SpanContext) -> None:
        self._batches.add(sum(result.counts.values()), (), at)
        for outcome, count in result.counts.items():
            self._written.add(count, (outcome,), at)

    def problem(self, kind: str, status: int) -> None:
        """A request was answered with a problem."""
        self._problems.add(1, (kind, status), get_current_span().get_span_context())

    def refused(self, kind: str, status: int | None, scope: Scope | None) -> None:
        """A request was refused before any work, so that nothing else measured it."""
        self._problems.add(1, (kind, status))
        if scope is not None and status is not None:
            read, _ = scope.get(RECEIVED, (time.monotonic(), 0.0))
            path = route_path(scope)
            route = path if path in PLAIN_ROUTES else None
            error = str(status) if status >= HTTPStatus.INTERNAL_SERVER_ERROR else None
            about = (sanitize_method(scope["method"]), status, error)
            protocol = (scope["scheme"], scope["http_version"])
            self._answered.add(time.monotonic() - read, (route, *about, *protocol))

    def occurrence(self, name: str) -> None:
        """A retry, or the opening of the circuit."""
        self._occurrences.add(1, (name,), get_current_span().get_span_context())

    def loop_lag(self, seconds: float) -> None:
        """The event loop came back to its timer this late."""
        self._lag.add(seconds)
