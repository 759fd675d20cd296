"""A leg of one's own: it nominates, has its part in every score, and shows in the reasons."""

import asyncio
from dataclasses import dataclass

import numpy as np
import pytest

from app.catalogue.index import CatalogueIndex
from app.catalogue.store import Catalogue
from app.recommend.answer_cache import AnswerCache
from app.recommend.artefact import ArtefactRefused, dump
from app.recommend.features import features, names
from app.recommend.fusion import Fusion
from app.recommend.pipeline import Recommender
from app.recommend.ranking import FallbackModel, PairwiseModel, RankingModel
from app.recommend.serving_model import ServingModel
from app.recommend.stages import Unobserved
from app.recommend.topic_signal import NoTopicSignal
from app.recommend.types import LEGS, Floats, Keys, Probe, Recommendation, Request
from tests.catalogue.index_inspection import candidates
from tests.catalogue.index_inspection import names as ids
from tests.fakes import SHELF
from tests.opening import OpenCatalogue


@dataclass
class Popular:
    """The document `most` is what everybody reads."""

    catalogue: Catalogue
    most: str = "tide"
    name, weight = "popular", 0.2

    def scores(self, _: Probe, keys: Keys) -> Floats:
        query = "SELECT p.key FROM passages p JOIN documents d ON d.key = p.document WHERE d.id = ?"
        return np.isin(keys, self.catalogue.database.rows(query, (self.most,))).astype(np.float32)


@pytest.fixture
def catalogue(open_catalogue: OpenCatalogue) -> Catalogue:
    return open_catalogue(SHELF)


@pytest.fixture
def leg(catalogue: Catalogue) -> Popular:
    return Popular(catalogue)


@pytest.fixture
def index(catalogue: Catalogue, leg: Popular) -> CatalogueIndex:
    return CatalogueIndex(catalogue.database, catalogue.models, legs=(leg,))


def recommended(index: CatalogueIndex, model: RankingModel) -> Recommendation:
    made = Recommender(index, ServingModel(model), NoTopicSignal(), AnswerCache(0), Unobserved())
    return asyncio.run(made.recommend(Request("sourdough", 8)))


def test_it_nominates_what_no_other_leg_finds(catalogue: Catalogue, index: CatalogueIndex) -> None:
    without = CatalogueIndex(catalogue.database, catalogue.models)
    for now, is_there in ((without.now(), False), (index.now(), True)):
        found = ids(now, candidates(now, "sourdough", depth=1).keys)
        assert ("tide" in found, "sourdough" in found) == (is_there, True)


def test_it_has_its_share_of_every_score(index: CatalogueIndex, leg: Popular) -> None:
    answer = recommended(index, Fusion([leg]))
    for each in answer.ranking.items:
        assert list(each.reason.legs) == [*LEGS[:-1], "popular", "topic"]
        assert sum(each.reason.weights.values()) == pytest.approx(1)
        assert sum(each.reason.contributions.values()) == pytest.approx(each.score, abs=1e-5)
    (tide,) = (each.reason for each in answer.ranking.items if each.document.id == "tide")
    assert tide.legs["popular"] == 1
    assert tide.contributions["popular"] == pytest.approx(0.2)


def test_a_trained_model_has_features_of_it(index: CatalogueIndex, leg: Popular) -> None:
    found = candidates(index.now(), "sourdough")
    assert features(found).shape == (len(found), len(names(["popular"])))
    model = PairwiseModel([*[0.0] * 8, 1.0, 0.0], "1", ["popular"])
    answer = recommended(index, model)
    assert answer.ranking.items[0].document.id == "tide"
    assert answer.ranking.items[0].reason.weights["popular"] == 1
    with pytest.raises(ArtefactRefused, match="train again"):
        PairwiseModel.load(
            dump({"features": names([]), "coefficients": [1.0] * 8, "intercept": 0}), ["popular"]
        )
    untrained = FallbackModel(PairwiseModel([1.0] * 8, "1"), Fusion([leg]))
    assert recommended(index, untrained).degraded == ("ranking_model",)


@pytest.mark.parametrize(("name", "weight"), [("dense", 0.2), ("popular", 1.0), ("popular", 0.0)])
def test_names_and_weights_that_can_not_be_are_refused(
    leg: Popular, monkeypatch: pytest.MonkeyPatch, name: str, weight: float
) -> None:
    monkeypatch.setattr(leg, "name", name, raising=False)
    monkeypatch.setattr(leg, "weight", weight, raising=False)
    with pytest.raises(ValueError, match="names of their own and weights"):
        Fusion([leg])
