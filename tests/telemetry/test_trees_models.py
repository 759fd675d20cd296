"""The span trees of answers that had to do without the trained model."""

from pathlib import Path

import pytest
from opentelemetry._logs import SeverityNumber

from app.recommend.fusion import Fusion
from app.recommend.ranking import FallbackModel
from app.recommend.stages import SCORE
from app.recommend.types import Candidates, ModelCard, Scored
from app.telemetry import vocabulary as v
from tests.fake_wikipedia import FakeWikipedia, fails
from tests.model.versions import damaged_champion
from tests.telemetry.consistency import assert_degraded
from tests.telemetry.expected import BREAD, answered, get, scored, topic
from tests.telemetry.recorded_service import OpenService, wikipedia_settings
from tests.telemetry.span_trees import assert_same, exception

pytestmark = pytest.mark.anyio
SECRET = "what somebody typed"


class Failing:
    """A ranking model that never gives a score."""

    card = ModelCard("failing", "9")

    def score(self, _: Candidates) -> Scored:
        raise FloatingPointError(SECRET)


@pytest.fixture
def _failing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The trained model fails whenever it is asked."""
    monkeypatch.setattr("app.composition.load_model", lambda *_: FallbackModel(Failing(), Fusion()))


@pytest.mark.usefixtures("_failing")
async def test_fusion_ranks_where_the_model_fails(open_service: OpenService) -> None:
    async with open_service() as service:
        answer = await service.ask(BREAD)
    why = exception("FloatingPointError", "score")
    failed = scored(v.FALLBACK_INVOKED, why, error="FloatingPointError")
    expected = answered(score=failed, missing=("ranking_model",))
    assert_same(service.tree(answer), expected)
    assert_degraded(service, answer, "ranking_model", SCORE, "FloatingPointError")


@pytest.mark.usefixtures("_failing")
async def test_two_parts_can_be_missing(
    open_service: OpenService, wikipedia: FakeWikipedia
) -> None:
    wikipedia.behaviour = fails(404)
    async with open_service(wikipedia_settings(wikipedia)) as service:
        answer = await service.ask(BREAD)
    why = exception("FloatingPointError", "score")
    expected = answered(
        topic=topic("error", 0, v.CACHE_MISS, get(404, error="404"), error="404"),
        score=scored(v.FALLBACK_INVOKED, why, error="FloatingPointError"),
        missing=("topic_signal", "ranking_model"),
    )
    assert_same(service.tree(answer), expected)
    emitted = service.wide_event(answer).attributes or {}
    assert emitted[v.MISSING] == ("topic_signal", "ranking_model")
    assert answer.json()["degraded"] == ["topic_signal", "ranking_model"]


async def test_fusion_ranks_where_the_artefact_is_refused(
    open_service: OpenService, shelf_data: Path
) -> None:
    """It is emitted at the start, and with every answer; there is no stack to it."""
    damaged_champion(shelf_data)
    async with open_service() as service:
        answer = await service.ask(BREAD)
    refused = scored(v.FALLBACK_INVOKED, error="ArtefactRefused")
    expected = answered(score=refused, missing=("ranking_model",))
    assert_same(service.tree(answer), expected)
    assert_degraded(service, answer, "ranking_model", SCORE, "ArtefactRefused")
    (warning,) = [each for each in service.records if "model version" in str(each.body)]
    assert warning.severity_number is SeverityNumber.WARN
    assert not warning.trace_id
