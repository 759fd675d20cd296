"""Versions of the model without training: coefficients of one's choice, and damage to them."""

from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from app.catalogue.store import Catalogue
from app.composition import open_catalogue
from app.model.registry import CARD, Registry
from app.model.registry_records import Author
from app.model.version_loader import CALIBRATOR, RANKER, about
from app.recommend.artefact import dump
from app.recommend.features import FEATURES
from app.recommend.ranking import PairwiseModel
from app.recommend.relevance import FEATURES as OF_RELEVANCE

ADA = Author("ada", "a test")


def ranker(weight: float = 1.0, **changes: Any) -> bytes:
    """A model that ranks by the lexical leg alone."""
    coefficients = [weight, *[0.0] * (len(FEATURES) - 1)]
    return dump({"features": FEATURES, "coefficients": coefficients, "intercept": 0.0} | changes)


def calibrator(ranking: bytes, embedder: str, **changes: Any) -> bytes:
    """A calibrator of this ranking model, with which everything is answered."""
    content = {
        "model": "pairwise", "model_version": PairwiseModel.load(ranking).card.version,
        "embedder": embedder, "features": OF_RELEVANCE,
        "coefficients": [0.0] * len(OF_RELEVANCE), "intercept": 1.0, "threshold": 0.5,
    }  # fmt: skip
    return dump(content | changes)


def register(
    catalogue: Catalogue,
    registry: Registry,
    weight: float = 1.0,
    gate: Sequence[str] = (),
    alter: Callable[[dict[str, bytes], dict[str, Any]], object] = lambda *_: None,
) -> str:
    """The id of a new version. `alter` may change its files, and what it must fit, before that."""
    ranking = ranker(weight)
    files = {
        RANKER: ranking,
        CALIBRATOR: calibrator(ranking, catalogue.models.embedder.name),
        CARD: dump({"gate": {"passed": not gate, "reasons": list(gate)}}),
    }
    fits = about(catalogue)
    alter(files, fits)
    return registry.register(files, fits, ADA, forced=bool(gate)).version


def truncate(path: Path) -> None:
    """Leave half of a file."""
    content = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(content[: len(content) // 2])


def damaged_champion(data: Path) -> str:
    """In a data folder, promote a version and break it; its id."""
    registry = Registry(data / "models")
    with closing((catalogue := open_catalogue(data)).database):
        version = register(catalogue, registry)
    registry.promote(version, ADA)
    truncate(registry.folder / version / RANKER)
    return version
