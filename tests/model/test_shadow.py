"""The challenger is compared off the request's path; its failures and losses are visible."""

import threading

import numpy as np
import pytest

from app.model.sampled_work import MAX_WAITING
from app.model.shadow import ShadowComparison, ShadowScorer, compare
from app.recommend.features import FEATURES
from app.recommend.fusion import Fusion
from app.recommend.ranking import FallbackModel, PairwiseModel, RankingModel
from app.recommend.serving_model import ServingModel
from app.recommend.stages import COMPARE_SHADOW
from app.recommend.types import Candidates, Scored
from tests.fakes import RecordingStages
from tests.recommend.candidates import candidates
from tests.waiting import TIMEOUT, until

SCORES = np.linspace(0, 1, 40).tolist()


def lexical(weight: float) -> RankingModel:
    return PairwiseModel([weight, *[0.0] * (len(FEATURES) - 1)], "1")


class Waits:
    """A model that scores when it is allowed to."""

    card = Fusion.card

    def __init__(self) -> None:
        self.allowed, self.started = threading.Event(), threading.Event()

    def score(self, candidates: Candidates) -> Scored:
        self.started.set()
        self.allowed.wait(TIMEOUT)
        return Fusion().score(candidates)


@pytest.mark.parametrize(
    ("weight", "overlap", "concordance"), [(1.0, 1.0, 1.0), (-1.0, 0.0, 0.0), (0.0, 0.0, 0.5)]
)
def test_two_models_are_compared(weight: float, overlap: float, concordance: float) -> None:
    found = compare(lexical(1).score(candidates(SCORES)), ServingModel(lexical(weight)))
    assert found.overlap == overlap
    assert found.concordance == pytest.approx(concordance)
    assert found.score_shift is not None
    assert (found.score_shift > 0) is (weight != 1)


@pytest.mark.parametrize("model", [lexical(np.nan), FallbackModel(lexical(np.nan), Fusion())])
def test_a_challenger_that_fails_is_a_result(model: RankingModel) -> None:
    found = compare(Fusion().score(candidates(SCORES)), ServingModel(model))
    assert isinstance(found.failure, FloatingPointError)
    assert found.overlap is None


def test_no_candidates_are_no_difference() -> None:
    found = compare(Fusion().score(candidates([])), ServingModel(lexical(1)))
    assert (found.overlap, found.concordance, found.score_shift) == (1, 1, 0)


def test_a_share_is_compared_and_nobody_waits() -> None:
    stages, scored = RecordingStages(), Fusion().score(candidates(SCORES))
    scorer, model = ShadowScorer(0.25, stages, lambda: "trace"), Waits()
    scorer.start()
    scorer.scored(scored, ServingModel(model))
    assert not model.started.is_set()
    for _ in range(3):
        scorer.scored(scored, ServingModel(model))
    assert model.started.wait(TIMEOUT)
    for _ in range(4 * MAX_WAITING + 8):
        scorer.scored(scored, ServingModel(model))
    assert scorer.dropped == 2
    model.allowed.set()
    until(lambda: len(stages.seen) == 1 + MAX_WAITING)
    scorer.close()
    assert {each.name for each in stages.seen} == {COMPARE_SHADOW}
    found = stages.seen[0].result
    assert isinstance(found, ShadowComparison)
    assert (found.overlap, found.trace) == (1, "trace")


def test_it_can_be_closed_while_the_queue_is_full() -> None:
    scorer, model = ShadowScorer(1, RecordingStages()), Waits()
    scorer.start()
    for _ in range(MAX_WAITING + 5):
        scorer.scored(Fusion().score(candidates(SCORES)), ServingModel(model))
    model.started.wait(TIMEOUT)
    model.allowed.set()
    scorer.close()
    assert not scorer._thread.is_alive()
