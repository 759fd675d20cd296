"""Training and evaluation on the seed catalogue, for the command line."""

from collections.abc import Sequence
from pathlib import Path

from app.catalogue.index import CatalogueIndex
from app.catalogue.store import Catalogue
from app.composition import further_legs
from app.model.baselines import Chance, OneLeg
from app.model.evaluate import Quality, Retrieved, quality, retrieve, scores_of
from app.model.judged import JudgedQuery, seed_queries
from app.model.train import train
from app.recommend.fusion import Fusion
from app.recommend.ranking import PairwiseModel, RankingModel


def retrieved(catalogue: Catalogue, queries: Sequence[JudgedQuery]) -> list[Retrieved]:
    """The candidates of each query, as the service retrieves them."""
    index = CatalogueIndex(catalogue.database, catalogue.models, legs=further_legs(catalogue)).now()
    query = "SELECT p.key, id FROM passages p JOIN documents d ON d.key = p.document"
    names = dict(catalogue.database.reader.execute(query).fetchall())
    return retrieve(index, lambda keys: [names[key] for key in keys], queries)


def train_on_seed(catalogue: Catalogue, path: Path) -> tuple[PairwiseModel, str]:
    """Train on the tune split and write the artefact; returns the model and its test quality.

    Raises TooFewQueries.
    """
    model = train(retrieved(catalogue, seed_queries("tune")), path)
    test = retrieved(catalogue, seed_queries("test"))
    fusion = Fusion(further_legs(catalogue))
    trained, fused = (quality(scores_of(test, each)).mean for each in (model, fusion))
    return model, f"{trained:.3f}, and {fused:.3f} by fusion"


def evaluate_on_seed(catalogue: Catalogue, path: Path) -> dict[str, Quality]:
    """Quality of the baselines, of fusion and of the trained model (if any) on the test split."""
    test, legs = retrieved(catalogue, seed_queries("test")), further_legs(catalogue)
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
