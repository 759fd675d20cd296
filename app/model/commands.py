"""Training and evaluation on the seed catalogue, for the command line."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from app.catalogue.index import CatalogueIndex
from app.catalogue.store import Catalogue
from app.composition import further_legs
from app.model.baselines import Chance, OneLeg
from app.model.calibration import Calibration, Rate, calibrate, first_results, measure, wilson
from app.model.calibrators import calibrator_path
from app.model.evaluate import Quality, Retrieved, quality, retrieve, scores_of
from app.model.judged import JudgedQuery, seed_queries
from app.model.train import train
from app.recommend.explain import SUBJECT
from app.recommend.fusion import Fusion
from app.recommend.index import Index
from app.recommend.ranking import PairwiseModel, RankingModel, order
from app.recommend.relevance import Calibrator

SHOWN = 5
"""Results a query is shown by default."""


def opened_index(catalogue: Catalogue) -> Index:
    """The current index of the catalogue."""
    legs = further_legs(catalogue)
    return CatalogueIndex(catalogue.database, catalogue.models, legs=legs).now()


def retrieved(catalogue: Catalogue, queries: Sequence[JudgedQuery]) -> list[Retrieved]:
    """The candidates of each query, as the service retrieves them."""
    index = opened_index(catalogue)
    query = "SELECT p.key, id FROM passages p JOIN documents d ON d.key = p.document"
    names = dict(catalogue.database.reader.execute(query).fetchall())
    return retrieve(index, lambda keys: [names[key] for key in keys], queries)


def train_on_seed(catalogue: Catalogue, path: Path) -> tuple[PairwiseModel, str]:
    """Train on the tune split and calibrate; write the artefact, and the calibrator beside it.

    Returns the model and, as text, how it does on the test split. Raises TooFewQueries,
    TooFewAnswers.
    """
    tune = retrieved(catalogue, seed_queries("tune"))
    model = train(tune, path)
    calibrate_on_seed(catalogue, model, calibrator_path(path.parent, model.card), tune)
    test = retrieved(catalogue, seed_queries("test"))
    fusion = Fusion(further_legs(catalogue))
    trained, fused = (quality(scores_of(test, each)).mean for each in (model, fusion))
    return model, f"{trained:.3f}, and {fused:.3f} by fusion"


def calibrate_on_seed(
    catalogue: Catalogue,
    model: RankingModel,
    path: Path,
    tune: Sequence[Retrieved] | None = None,
) -> None:
    """Fit a model's calibrator on the tune split. Raises TooFewAnswers."""
    tune = tune or retrieved(catalogue, seed_queries("tune"))
    found = first_results(opened_index(catalogue), tune, model)
    calibrate(found, model, catalogue.models.embedder.name, path)


def evaluate_on_seed(catalogue: Catalogue, path: Path, split: str = "test") -> dict[str, Quality]:
    """Quality of the baselines, of fusion and of the trained model (if any) on a split."""
    test, legs = retrieved(catalogue, seed_queries(split)), further_legs(catalogue)
    systems: dict[str, RankingModel] = {
        "chance": Chance(),
        "BM25": OneLeg("lexical"),
        "fusion": Fusion(legs),
    }
    measured = {name: quality(scores_of(test, each)) for name, each in systems.items()}
    if path.exists():
        trained = PairwiseModel.load(path.read_bytes(), [leg.name for leg in legs])
        measured["pairwise"] = quality(scores_of(test, trained))
    return measured


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
    for each, said in zip(found, relevance, strict=True):
        if said.answered:
            shown = order(model.score(each.candidates))[:SHOWN]
            alike = each.candidates.latent[shown] >= SUBJECT
            claimed += int(alike.sum())
            right += int((each.gains()[shown][alike] > 0).sum())
    probabilities = np.array([each.probability for each in relevance])
    return Judgement(measure(probabilities, results, calibrator.threshold), wilson(right, claimed))
