"""Figures of the report on the models, compared with values worked out by hand."""

from dataclasses import replace

import pytest
from opentelemetry.semconv.attributes.http_attributes import HTTP_ROUTE

from app.telemetry import vocabulary as v
from tests.observatory.report_results import Reports
from tests.observatory.report_telemetry import Attributes, Record

HOUR = 3600


def test_model_quality(reports: Reports) -> None:
    """Scores 0.2 to 0.8: a tenth of the way is 0.3 of the step from the first to the second."""
    telemetry = [
        served(0.2, 0.0),
        served(0.4, 0.0),
        served(0.6, 0.5),
        served(0.8, 0.5, degraded=True),
        judged("click", "1"),
        judged("click", "2-3"),
        judged("click", "2-3", repeated=True),
        judged("thumbs_up", "11+"),
        judged("dismiss", "1", version="2"),
        Record(body=v.CORE.answered, ago=100, attributes={HTTP_ROUTE: "/documents"}),
    ]
    reports.insert(*telemetry, replace(telemetry[0], ago=25 * HOUR))
    first, second = reports.rows("model_quality")
    assert [*first.values()] == [
        "fusion", "1", 4, 25, 0.26, 0.5, 0.74, 25, 25, 50, 1, 1, 0, 0, 1, 0, 0, 0,
    ]  # fmt: skip
    nothing = [None] * 7
    assert [*second.values()] == ["fusion", "2", 0, *nothing, 0, 0, 0, 0, 0, 0, 1, 0]


def served(score: float, unknown: float, *, degraded: bool = False) -> Record:
    """The wide event of a recommendation."""
    about: Attributes = {
        v.MODEL_NAME: "fusion",
        v.MODEL_VERSION: "1",
        v.SCORE_TOP: score,
        v.OOV_RATIO: unknown,
        v.DEGRADED: degraded,
        v.ANSWERED: score > 0.3,
    }
    return Record(body=v.SERVED, ago=100, attributes=about)


def judged(kind: str, rank: str, version: str = "1", *, repeated: bool = False) -> Record:
    """The wide event of feedback."""
    about: Attributes = {
        v.MODEL_NAME: "fusion",
        v.MODEL_VERSION: version,
        v.FEEDBACK_KIND: kind,
        v.RANK_BUCKET: rank,
        v.REPEATED: repeated,
    }
    return Record(body=v.CORE.answered, ago=100, attributes=about)


@pytest.mark.parametrize("score", ["", "none"])
def test_model_quality_without_results(reports: Reports, score: str) -> None:
    """Nothing was found, so there is no first result and no score."""
    about: Attributes = {v.MODEL_NAME: "fusion", v.MODEL_VERSION: "1", v.DEGRADED: False}
    more: Attributes = {v.SCORE_TOP: score} if score else {}
    reports.insert(Record(body=v.SERVED, ago=100, attributes={**about, **more}))
    [row] = reports.rows("model_quality")
    assert row["recommendations"] == 1
    assert row["degraded_percent"] == 0
    assert row["top_score_p50"] is row["unknown_words_percent"] is None
