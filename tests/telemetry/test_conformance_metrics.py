"""The check of what is told catches metrics that are not as declared; and names are bounded."""

from collections.abc import Callable, Mapping, Sequence
from math import inf
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.metrics import CallbackOptions, Meter, Observation
from opentelemetry.sdk.metrics import Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource

from app.main import create_app
from app.telemetry import vocabulary as v
from app.telemetry.kit import conventions
from app.telemetry.kit import vocabulary as kit_names
from app.telemetry.kit.testing import InMemoryMetrics
from app.telemetry.kit.vocabulary import SECONDS
from tests.api.service import settings
from tests.telemetry.conformance import span_names, violations
from tests.telemetry.telling import Heard

Measures = Callable[[Meter], None]
CUMULATIVE, DELTA = AggregationTemporality.CUMULATIVE, AggregationTemporality.DELTA


def found(
    measures: Measures,
    resource: Mapping[str, str] | None = None,
    temporality: AggregationTemporality = CUMULATIVE,
) -> list[str]:
    """What the check finds in what is measured."""
    heard = Heard()
    heard.metrics = InMemoryMetrics(preferred_temporality={Histogram: temporality})
    reader = PeriodicExportingMetricReader(heard.metrics, inf)
    provider = MeterProvider([reader], Resource(resource or {}), shutdown_on_exit=False)
    measures(provider.get_meter("tests"))
    provider.force_flush()
    provider.shutdown()
    assert heard.metrics.kept
    return violations(heard, frozenset())


def counter(name: str, unit: str, **attributes: Any) -> Measures:
    return lambda meter: meter.create_counter(name, unit).add(1, attributes)


def balance(name: str, unit: str) -> Measures:
    return lambda meter: meter.create_up_down_counter(name, unit).add(1)


def histogram(name: str, unit: str, bounds: Sequence[float], **attributes: Any) -> Measures:
    def measures(meter: Meter) -> None:
        made = meter.create_histogram(name, unit, explicit_bucket_boundaries_advisory=bounds)
        made.record(1, attributes)

    return measures


def gauge(name: str, unit: str) -> Measures:
    def measures(meter: Meter) -> None:
        def observed(_: CallbackOptions) -> list[Observation]:
            return [Observation(1)]

        meter.create_observable_gauge(name, [observed], unit)

    return measures


@pytest.mark.parametrize(
    "measures",
    [
        counter(v.FEEDBACK, "{feedback}", **{v.FEEDBACK_KIND: "click", v.RANK_BUCKET: "1"}),
        counter("process.cpu.time", "s", **{"cpu.mode": "user"}),
        balance("process.memory.usage", "By"),
        gauge(v.CATALOGUE_SIZE, "{document}"),
        histogram(v.BATCHES, "{row}", v.SIZES),
        histogram(
            v.CORE.stage_duration, "s", SECONDS, **{v.CORE.stage: "recommend", "error.type": "E"}
        ),
        histogram(kit_names.SERVER_DURATION, "s", SECONDS, **{"http.request.method": "GET"}),
    ],
)
def test_what_is_declared_passes(measures: Measures) -> None:
    assert found(measures) == []


@pytest.mark.parametrize(
    ("measures", "complaint"),
    [
        (counter("vitrine.nonsense", "1"), "metric “vitrine.nonsense” is not declared"),
        (counter("http.server.duration", "ms"), "metric “http.server.duration” is not declared"),
        (counter(v.TERM_COUNT, "1"), "metric “vitrine.query.term_count” is not declared"),
        (counter(v.FEEDBACK, "1"), "is a counter in 1, not a counter in {feedback}"),
        (balance(v.FEEDBACK, "{feedback}"), "is a updowncounter in {feedback}, not a counter"),
        (gauge(v.FEEDBACK, "{feedback}"), "is a gauge in {feedback}, not a counter"),
        (gauge(v.BATCHES, "{row}"), "is a gauge in {row}, not a histogram"),
        (counter(v.CATALOGUE_SIZE, "{document}"), "is a counter in {document}, not a gauge"),
        (counter("process.cpu.time", "ms"), "is a counter in ms, not a counter in s"),
        (counter("process.memory.usage", "By"), "is a counter in By, not a updowncounter"),
        (histogram(v.BATCHES, "{row}", v.SIZES[1:]), "other buckets than declared"),
        (histogram(kit_names.SERVER_DURATION, "s", (0.005, 0.01)), "other buckets than declared"),
        (
            histogram(v.BATCHES, "{row}", v.SIZES, **{v.CORE.stage: "recommend"}),
            "attribute “vitrine.stage”, which is not declared for it",
        ),
        (
            histogram(kit_names.CLIENT_DURATION, "s", SECONDS, **{"url.full": "http://x"}),
            "attribute “url.full”, which is not declared for it",
        ),
        (
            counter(v.FEEDBACK, "{feedback}", **{v.FEEDBACK_KIND: "purchase"}),
            "vitrine.feedback.kind is 'purchase', none of",
        ),
        (
            counter("process.cpu.time", "s", **{"vitrine.mode": "user"}),
            "an attribute “vitrine.mode” that is not declared",
        ),
    ],
)
def test_a_metric_is_caught(measures: Measures, complaint: str) -> None:
    (sentence,) = found(measures)
    assert complaint in sentence


def test_increments_are_caught() -> None:
    """The readers want sums."""
    measures = histogram(v.BATCHES, "{row}", v.SIZES)
    assert found(measures, temporality=DELTA) == ["metric “vitrine.batch.sizes” is not cumulative"]


def test_a_resource_is_caught() -> None:
    measures, sentence = gauge(v.CATALOGUE_SIZE, "{document}"), "the resource has an attribute"
    assert found(measures, {"service.name": "vitrine"}) == []
    assert found(measures, {"vitrine.shelf": "3"}) == [
        f"{sentence} “vitrine.shelf” that is not declared"
    ]


def test_the_conventions_are_read() -> None:
    assert {"http.route", "process.pid", "error.type"} <= conventions.attributes()
    assert {"http.method", "db.statement", "GET", "http"}.isdisjoint(conventions.attributes())
    metrics = conventions.metrics()
    assert metrics["process.cpu.time"] == ("counter", "s")
    assert {each.kind for each in metrics.values()} <= {
        "counter", "updowncounter", "gauge", "histogram",
    }  # fmt: skip


def test_names_of_spans_are_few(tmp_path: Path) -> None:
    names = span_names(create_app(settings(tmp_path)))
    assert {"POST /recommend", "GET /documents/{document_id}", "GET", "HTTP", "SELECT"} <= names
    assert {"analyze query", "write documents"} <= names
    assert {"GET /documents/tide", "BREW", "BREW /recommend", "POST recommend"}.isdisjoint(names)
    assert len(names) < 200
