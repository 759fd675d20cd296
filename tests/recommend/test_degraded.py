"""Observed stages, degraded answers, and answers from the cache."""

from dataclasses import replace

import pytest

from app.catalogue.store import Catalogue
from app.recommend.artefact import ArtefactRefused
from app.recommend.fusion import Fusion
from app.recommend.query import NoSearchableWords
from app.recommend.ranking import RefusedModel
from app.recommend.stages import ANALYZE
from app.recommend.topic_signal import Evidence, Outcome
from app.recommend.types import Candidates, Query, Ranking, Scored
from tests.fakes import PIPELINE, SHELF, UNREACHABLE, FakeTopicSignal, RecordingStages
from tests.recommend.synchronous import OFF, Build, ask, ids


def test_stages_are_observed_in_order_with_their_results(recommender: Build) -> None:
    stages = RecordingStages()
    answer = ask(recommender(stages=stages), "stale bread")
    assert stages.names == list(PIPELINE)
    results = {type(stage.result): stage.result for stage in stages.seen}
    assert set(results) >= {Query, Candidates, Scored, Ranking}
    assert results[Query] is answer.query
    assert results[Ranking] is answer.ranking
    assert answer.ranking.considered == len(results[Candidates])


def test_a_question_without_words_is_refused_and_observed(recommender: Build) -> None:
    stages, signal = RecordingStages(), FakeTopicSignal(OFF)
    with pytest.raises(NoSearchableWords):
        ask(recommender(signal, stages=stages), "!?")
    (seen,) = stages.seen
    assert (seen.name, type(seen.error)) == (ANALYZE, NoSearchableWords)
    assert signal.asked == []


@pytest.mark.parametrize("later", [False, True])
@pytest.mark.parametrize("outcome", list(Outcome))
def test_what_is_missing_is_named(recommender: Build, outcome: Outcome, later: bool) -> None:
    signal = FakeTopicSignal(Evidence(outcome), later=later)
    answer = ask(recommender(signal), "stale bread")
    assert answer.degraded == (("topic_signal",) if outcome.degraded else ())


def test_a_missing_topic_signal_leaves_scores_as_they_were(recommender: Build) -> None:
    without = ask(recommender(FakeTopicSignal(OFF)), "stale bread")
    degraded = ask(recommender(FakeTopicSignal(UNREACHABLE, later=True)), "stale bread")
    assert degraded.ranking == without.ranking


def test_a_model_that_was_refused_is_named(recommender: Build) -> None:
    model = RefusedModel(ArtefactRefused("not a pairwise model"), Fusion())
    answer = ask(recommender(FakeTopicSignal(UNREACHABLE), model=model), "stale bread")
    assert answer.degraded == ("topic_signal", "ranking_model")
    assert answer.model == Fusion.card
    assert ids(answer)[0] == "staling"


def test_a_known_answer_is_given_again_until_something_is_written(
    recommender: Build, shelf: Catalogue
) -> None:
    stages = RecordingStages()
    pipeline = recommender(stages=stages, answers=1_000_000)
    first = ask(pipeline, "stale bread")
    assert ask(pipeline, "stale bread") == replace(first, cached=True)
    assert stages.names == [*PIPELINE, ANALYZE]
    shelf.put([replace(SHELF[0], text="Bread that went stale is toasted.")])
    again = ask(pipeline, "stale bread")
    assert again.ranking.items[0].document.text == "Bread that went stale is toasted."
    assert shelf.delete("staling")
    assert "staling" not in ids(ask(pipeline, "stale bread"))


def test_a_degraded_answer_is_made_again(recommender: Build) -> None:
    signal = FakeTopicSignal(UNREACHABLE)
    pipeline = recommender(signal, answers=1_000_000)
    assert ask(pipeline, "stale bread").degraded == ("topic_signal",)
    signal.evidence = OFF
    assert ask(pipeline, "stale bread").degraded == ()
    signal.evidence = UNREACHABLE
    assert ask(pipeline, "stale bread").degraded == ("topic_signal",)
