"""The check that everything emitted is declared: one violation of each kind, and none."""

import re
from collections.abc import Callable
from itertools import pairwise
from math import inf
from pathlib import Path
from typing import Any

import pytest
from opentelemetry._logs import LogRecord
from opentelemetry.metrics import Meter
from opentelemetry.sdk.metrics import Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource

from app.main import create_app
from app.recommend.stages import STAGES
from app.settings import TelemetrySettings
from app.telemetry import vocabulary as v
from app.telemetry.facts import REQUEST_STAGES
from app.telemetry.kit import conventions
from app.telemetry.kit import vocabulary as kit_names
from app.telemetry.kit.testing import InMemoryMetrics
from app.telemetry.kit.vocabulary import SECONDS
from tests.api.service import settings
from tests.cases import cases
from tests.telemetry.conformance import span_names, violations
from tests.telemetry.recorded_service import RecordedTelemetry

HASH = "0123456789abcdef"
NAMES = frozenset({"analyze query"})
CARRIED = re.compile("which is (not declared for it|required)$")


def record_one(
    attributes: dict[Any, Any], name: str = "analyze query", event: str = "exception"
) -> list[str]:
    """What the check finds in a span, its event and link, and a log record that have these."""
    recorded = RecordedTelemetry()
    telemetry = recorded.listen(TelemetrySettings(logs="off"))
    span = telemetry.traces.get_tracer("tests").start_span(name, attributes=attributes)
    span.add_event(event, attributes)
    span.add_link(span.get_span_context(), attributes)
    span.end()
    record = LogRecord(body="a line", event_name=event, attributes=attributes)
    telemetry.logs.get_logger("app").emit(record)
    telemetry.close()
    return violations(recorded, NAMES)


@cases(
    ("name", "value", "complaint"),
    [
        ("http.response.status_code", 200, None),
        (v.OOV_RATIO, 0.5, None),
        (v.LENGTH_BUCKET, "1-20", None),
        (v.CORE.input_hash, HASH, None),
        (v.MISSING, (), None),
        (v.MISSING, ("topic_signal",), None),
        ("vitrine.nonsense", 1, "not declared"),
        ("http.method", "GET", "not declared"),  # once was
        ("GET", 1, "not declared"),  # the value of an enumeration
        ("http.server.request.duration", 1.0, "not declared"),  # the name of a metric
        (v.SERVED, 1, "not declared"),  # that of an event
        (v.TERM_COUNT, "1", "is '1', not a int"),
        (v.TERM_COUNT, True, "is True, not a int"),
        (v.OOV_RATIO, 1, "is 1, not a double"),
        (v.LENGTH_BUCKET, "1-21", "is '1-21', none of"),
        (v.CORE.input_hash, f"{HASH}\n", "not of the form"),
        (v.MISSING, "topic_signal", "not a string[]"),
        (v.MISSING, ("topic_signal", "index"), "is 'index', none of"),
    ],
)
def test_attributes(name: str, value: Any, complaint: str | None) -> None:
    """Of spans, events, links and log records alike."""
    found = [
        each for each in record_one({name: value}, event=v.CIRCUIT) if not CARRIED.search(each)
    ]
    assert len(found) == (4 if complaint else 0)
    assert all(name in sentence and str(complaint) in sentence for sentence in found)


def test_what_spans_events_and_records_carry() -> None:
    found = record_one({v.TERM_COUNT: 1, v.OOV_RATIO: 0.5, v.CORRECTED: 0, v.RESULTS: 1})
    assert {
        "event “exception” of span “analyze query” carries “vitrine.result.count”, which is not "
        "declared for it",
        "record “exception” carries “vitrine.result.count”, which is not declared for it",
        "span “analyze query” carries “vitrine.result.count”, which is not declared for it",
        "span “analyze query” lacks “vitrine.query.length_bucket”, which is required",
    } <= set(found)
    assert record_one({v.CORE.input_hash: HASH, "exception.type": "KeyError"}, "SELECT") == [
        "span “SELECT” has a name that is not declared"
    ]


def test_names_of_spans_events_and_records(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "vitrine.shelf=3")
    assert record_one({}, "analyze everything", "nonsense") == [
        "record “nonsense” has an event name that is not declared",
        "span “analyze everything” has a name that is not declared",
        "span “analyze everything” has an event “nonsense” that is not declared",
        "the resource has an attribute “vitrine.shelf” that is not declared",
    ]


def measured(
    measures: Callable[[Meter], Any],
    temporality: AggregationTemporality = AggregationTemporality.CUMULATIVE,
) -> list[str]:
    """What the check finds in metrics."""
    recorded = RecordedTelemetry()
    recorded.metrics = InMemoryMetrics(preferred_temporality={Histogram: temporality})
    reader = PeriodicExportingMetricReader(recorded.metrics, inf)
    provider = MeterProvider([reader], Resource({}), shutdown_on_exit=False)
    measures(provider.get_meter("tests"))
    provider.force_flush()
    provider.shutdown()
    assert recorded.metrics.exports
    return violations(recorded, frozenset())


def counter(name: str, unit: str, **attributes: Any) -> Callable[[Meter], Any]:
    return lambda meter: meter.create_counter(name, unit).add(1, attributes)


def histogram(name: str, unit: str, bounds: Any, **attributes: Any) -> Callable[[Meter], Any]:
    return lambda meter: meter.create_histogram(
        name, unit, explicit_bucket_boundaries_advisory=bounds
    ).record(1, attributes)


@cases(
    ("measures", "complaint"),
    [
        (counter(v.FEEDBACK, "{feedback}", **{v.FEEDBACK_KIND: "click"}), None),
        (counter("process.cpu.time", "s", **{"cpu.mode": "user"}), None),
        (histogram(v.BATCHES, "{row}", v.SIZES), None),
        (histogram(kit_names.SERVER_DURATION, "s", SECONDS), None),
        (counter("vitrine.nonsense", "1"), "metric “vitrine.nonsense” is not declared"),
        (counter(v.TERM_COUNT, "1"), "metric “vitrine.query.term_count” is not declared"),
        (counter(v.FEEDBACK, "1"), "is a counter in 1, not a counter in {feedback}"),
        (counter(v.CATALOGUE_SIZE, "{document}"), "is a counter in {document}, not a gauge"),
        (counter("process.cpu.time", "ms"), "is a counter in ms, not a counter in s"),
        (histogram(v.BATCHES, "{row}", v.SIZES[1:]), "other buckets than declared"),
        (histogram(kit_names.SERVER_DURATION, "s", (0.005, 0.01)), "other buckets than declared"),
        (
            histogram(kit_names.CLIENT_DURATION, "s", SECONDS, **{"url.full": "http://x"}),
            "attribute “url.full”, which is not declared for it",
        ),
        (
            counter(v.FEEDBACK, "{feedback}", **{v.FEEDBACK_KIND: "purchase"}),
            "vitrine.feedback.kind is 'purchase', none of",
        ),
    ],
)
def test_metrics(measures: Callable[[Meter], Any], complaint: str | None) -> None:
    found = measured(measures)
    assert len(found) == (1 if complaint else 0)
    assert all(str(complaint) in sentence for sentence in found)


def test_increments_are_caught() -> None:
    """The readers want sums."""
    found = measured(histogram(v.BATCHES, "{row}", v.SIZES), AggregationTemporality.DELTA)
    assert found == ["metric “vitrine.batch.sizes” is not cumulative"]


IN_SECONDS = ("duration", "lag", "age", "pause", "drift", "run_queue")


def test_what_is_declared_is_measured_as_the_conventions_ask() -> None:
    """Seconds, and no unit in a name; bounds of durations are at most 2.5 times the one before."""
    for name, metric in v.VOCABULARY.metrics.items():
        assert (metric.unit == "s") == name.endswith(IN_SECONDS), name
        assert metric.unit in {"s", "1"} or metric.unit.startswith("{"), name
    assert (SECONDS[0], SECONDS[-1]) == (0.0001, 10)
    assert all(round(high / low, 9) in (2, 2.5) for low, high in pairwise(SECONDS))


def test_every_stage_with_a_span_declares_it() -> None:
    assert {*STAGES} - {*REQUEST_STAGES} == {*v.VOCABULARY.spans} & {*STAGES}


def test_what_may_be_named(tmp_path: Path) -> None:
    assert {"http.route", "process.pid", "error.type"} <= conventions.attributes()
    assert {"http.method", "db.statement", "GET", "http"}.isdisjoint(conventions.attributes())
    assert conventions.metrics()["process.cpu.time"] == ("counter", "s")
    names = span_names(create_app(settings(tmp_path)))
    assert {"POST /recommend", "GET", "HTTP", "SELECT", "analyze query"} <= names
    assert {"GET /documents/tide", "BREW", "BREW /recommend"}.isdisjoint(names)
    assert len(names) < 250
