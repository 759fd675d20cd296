"""The whole way through, on a real catalogue; only the encyclopaedia is a stand-in."""

import numpy as np
import pytest

from app.catalogue.index import CatalogueIndex
from app.catalogue.store import Catalogue
from app.recommend.answer_cache import AnswerCache
from app.recommend.embedding import Embedder
from app.recommend.fusion import Fusion
from app.recommend.pipeline import Recommender
from app.recommend.ranking import PairwiseModel
from app.recommend.serving_model import ServingModel
from app.recommend.stages import Unobserved
from app.recommend.types import Ranking
from tests.fakes import FakeTopicSignal, evidence_of
from tests.opening import OpenCatalogue
from tests.recommend.synchronous import OFF, Build, ask, ids, run


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("how do computers learn from examples", "machine-learning"),
        ("keep bread from going stale", "staling"),
        ("kubernets", "kubernetes"),
        ("wifi", "wi-fi"),
        ("does light escape", "black-hole"),
        ("🍞 stale", "staling"),
    ],
)
def test_the_right_document_comes_first(recommender: Build, text: str, first: str) -> None:
    assert ids(ask(recommender(), text))[0] == first


def test_every_result_explains_itself(recommender: Build, embedder: Embedder) -> None:
    signal = FakeTopicSignal(evidence_of(embedder, "Staling", "Tide"), later=True)
    answer = ask(recommender(signal), "stale bread")
    assert [item.rank for item in answer.ranking.items] == [1, 2, 3, 4, 5]
    for item in answer.ranking.items:
        reason = item.reason
        assert 0 <= item.score <= 1
        assert reason.base + sum(reason.contributions.values()) == pytest.approx(
            item.score, abs=1e-5
        )
        assert all(0 <= leg <= 1 for leg in reason.legs.values())
        assert reason.summary.endswith(".")
    best = answer.ranking.items[0]
    assert best.document.id == "staling"
    assert best.reason.matched_terms == ("stale", "bread")
    assert best.reason.topic_page == "Staling"
    assert best.reason.legs["topic"] == pytest.approx(1)


def test_the_pairwise_model_explains_itself_too(recommender: Build) -> None:
    model = PairwiseModel([2, 0.5, 1.5, 0.3, 0.2, 1, 0.1, 0.4], "1")
    answer = ask(recommender(model=model), "stale bread")
    assert ids(answer)[0] == "staling"
    for item in answer.ranking.items:
        total = item.reason.base + sum(item.reason.contributions.values())
        assert total == pytest.approx(item.score, abs=1e-5)


def test_limit_and_categories_hold(recommender: Build) -> None:
    assert len(ids(ask(recommender(), "computers", limit=2))) == 2
    sky = ask(recommender(), "bread and light", categories=frozenset({"astronomy"}), limit=50)
    assert set(ids(sky)) <= {"black-hole", "tide"}
    assert ids(sky)
    assert ids(ask(recommender(), "bread", categories=frozenset({"no such"}))) == []


def test_the_topic_moves_a_document_up(recommender: Build, embedder: Embedder) -> None:
    plain = ask(recommender(), "bread", limit=8)
    signal = FakeTopicSignal(evidence_of(embedder, "Sourdough"))
    helped = ask(recommender(signal), "bread", limit=8)
    score = {item.document.id: item.score for item in helped.ranking.items}
    before = {item.document.id: item.score for item in plain.ranking.items}
    assert score["sourdough"] > score["staling"]
    assert score["sourdough"] - 0.85 * before["sourdough"] == pytest.approx(0.15, abs=1e-5)
    assert score["staling"] - 0.85 * before["staling"] < 0.15


def test_documents_like_another(recommender: Build, shelf: Catalogue) -> None:
    like = run(recommender().similar("staling", 3))
    assert like is not None
    assert ids(like)[0] == "sourdough"
    assert "staling" not in ids(like)
    assert len(ids(like)) == 3
    assert run(recommender().similar("no-such", 3)) is None
    assert shelf.delete("staling")
    assert run(recommender().similar("staling", 3)) is None


def test_an_empty_catalogue_answers_nothing(open_catalogue: OpenCatalogue) -> None:
    empty = open_catalogue(name="empty.db")
    index = CatalogueIndex(empty.database, empty.models)
    for model in (Fusion(), PairwiseModel([1.0] * 8, "1")):
        serving = ServingModel(model)
        pipeline = Recommender(index, serving, FakeTopicSignal(OFF), AnswerCache(0), Unobserved())
        answer = ask(pipeline, "bread")
        assert answer.ranking == Ranking((), 0)
        assert answer.query.unknown == ("bread",)


def test_all_scores_of_a_ranking_fall(recommender: Build) -> None:
    scores = [item.score for item in ask(recommender(), "computers", limit=8).ranking.items]
    assert (np.diff(scores) <= 0).all()
