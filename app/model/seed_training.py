"""Training and evaluation on the seed catalogue, for benchmarks; and `calibrate`."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.catalogue.index import CatalogueIndex
from app.catalogue.store import Catalogue
from app.composition import further_legs
from app.model import training
from app.model.calibration import Calibration, Rate, calibrate, first_results, measure, wilson
from app.model.judged import JudgedQuery, Split, seed_queries
from app.model.profiling import make_profile
from app.model.ranking_metrics import Retrieved
from app.recommend.explain import SUBJECT
from app.recommend.index import Index
from app.recommend.ranking import RankingModel, order
from app.recommend.reference_profile import Profile
from app.recommend.relevance import Calibrator
from app.recommend.serving_model import ServingModel

SHOWN = 5
"""Results a query is shown by default."""


def opened_index(catalogue: Catalogue) -> Index:
    """The current index of the catalogue."""
    legs = further_legs(catalogue)
    return CatalogueIndex(catalogue.database, catalogue.models, legs=legs).now()


def retrieved(catalogue: Catalogue, queries: Sequence[JudgedQuery]) -> list[Retrieved]:
    """The candidates of each query, as the service retrieves them."""
    return training.retrieved(catalogue, opened_index(catalogue), queries)


def train_on_seed(catalogue: Catalogue) -> dict[str, bytes]:
    """The files of a version that is trained and calibrated on the tune split.

    Raises CannotTrain.
    """
    found = training.TrainingSet(*(retrieved(catalogue, seed_queries(split)) for split in Split))
    legs, index = further_legs(catalogue), opened_index(catalogue)
    return training.fit_version(catalogue, legs, index, found).files


def profile_on_seed(catalogue: Catalogue, serving: ServingModel) -> Profile:
    """A model's reference profile, of both splits, as nothing is fitted.

    Of the queries that have an answer: users ask most of all what the catalogue is about.
    """
    texts = [each.text for split in Split for each in seed_queries(split) if each.relevance]
    embedder = catalogue.models.embedder.name
    return make_profile(opened_index(catalogue), serving, texts, embedder)


def calibrate_on(
    catalogue: Catalogue, index: Index, model: RankingModel, queries: Sequence[JudgedQuery]
) -> bytes:
    """A model's calibrator, fitted on judged queries. Raises TooFewAnswers."""
    found = first_results(index, training.retrieved(catalogue, index, queries), model)
    return calibrate(found, model, catalogue.models.embedder.name)


def calibrate_on_seed(catalogue: Catalogue, model: RankingModel) -> bytes:
    """The same, on the tune split of the seed catalogue."""
    return calibrate_on(catalogue, opened_index(catalogue), model, seed_queries("tune"))


@dataclass(frozen=True, slots=True)
class Judgement:
    """Quality of a calibrator and of the explanations on a split."""

    calibration: Calibration
    subject: Rate
    """The fraction of judged relevant documents among those explained with “shares its subject”."""


def judge_on_seed(
    catalogue: Catalogue, model: RankingModel, calibrator: Calibrator, split: str
) -> Judgement:
    """Compare the calibrator's relevance of the model's first results with the judgements."""
    index = opened_index(catalogue)
    found = [each for each in retrieved(catalogue, seed_queries(split)) if len(each.candidates)]
    results = first_results(index, found, model)
    relevance = [calibrator.relevance(seen) for seen in results.seen.tolist()]
    claimed = right = 0
    for each, answer in zip(found, relevance, strict=True):
        if answer.answered:
            shown = order(model.score(each.candidates))[:SHOWN]
            alike = each.candidates.latent[shown] >= SUBJECT
            claimed += int(alike.sum())
            right += int((each.gains()[shown][alike] > 0).sum())
    probabilities = np.array([each.probability for each in relevance])
    return Judgement(measure(probabilities, results, calibrator.threshold), wilson(right, claimed))
