"""Training on the seed catalogue's tune split, and using the artefact."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.composition import open_catalogue as open_folder
from app.model.baselines import Chance, OneLeg
from app.model.judged import seed_queries
from app.model.pairwise_fit import TooFewQueries, cross_validated, fit
from app.model.ranking_metrics import Retrieved, quality, scores_of
from app.model.seed_training import retrieved, train_on_seed
from app.model.version_loader import RANKER
from app.recommend.fusion import Fusion
from app.recommend.ranking import PairwiseModel
from app.recommend.types import Document
from tests.opening import OpenCatalogue


@pytest.fixture(scope="module")
def tune(seed_file: Path) -> Iterator[list[Retrieved]]:
    catalogue = open_folder(seed_file.parent)
    yield retrieved(catalogue, seed_queries("tune"))
    catalogue.database.close()


def test_fusion_beats_every_single_leg_and_chance(tune: list[Retrieved]) -> None:
    fused = quality(scores_of(tune, Fusion())).mean
    for leg in ("lexical", "dense", "latent"):
        assert fused > quality(scores_of(tune, OneLeg(leg))).mean
    assert quality(scores_of(tune, Chance())).mean < fused / 3


def test_the_pairwise_model_holds_up_on_queries_it_has_not_seen(tune: list[Retrieved]) -> None:
    held_out = quality(cross_validated(tune)).mean
    assert held_out > quality(scores_of(tune, OneLeg("lexical"))).mean


def test_training_is_the_same_every_time(tune: list[Retrieved]) -> None:
    assert fit(tune) == fit(tune)


def test_too_few_queries_are_refused(tune: list[Retrieved]) -> None:
    with pytest.raises(TooFewQueries, match="at least 10"):
        fit(tune[:9])


@pytest.mark.lasting
def test_a_trained_artefact_is_loaded_and_ranks(
    open_catalogue: OpenCatalogue, seed_documents: list[Document]
) -> None:
    catalogue = open_catalogue(seed_documents)
    trained = PairwiseModel.load(train_on_seed(catalogue)[RANKER])
    test = retrieved(catalogue, seed_queries("test"))
    assert quality(scores_of(test, trained)).mean > quality(scores_of(test, OneLeg("lexical"))).mean
