"""Loads the calibrators of a service: from its data folder, or the one shipped for fusion."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path

from app.recommend.artefact import ArtefactRefused
from app.recommend.relevance import Calibrator, Calibrators
from app.recommend.types import ModelCard

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LoadedCalibrators:
    """The usable calibrators by the name of their ranking model, and the problems of the others."""

    by_model: Calibrators
    problems: tuple[str, ...] = ()


def calibrator_path(folder: Path, card: ModelCard) -> Path:
    """Path of a ranking model's calibrator in a data folder."""
    return folder / _name(card)


def load_calibrators(
    folder: Path, cards: Iterable[ModelCard], embedder: str, threshold: float | None = None
) -> LoadedCalibrators:
    """Load one calibrator per ranking model. Never raises for a bad artefact.

    `threshold` overrides those of the artefacts.
    """
    usable: dict[str, Calibrator] = {}
    problems: list[str] = []
    for card in cards:
        kept, shipped = calibrator_path(folder, card), files("app.model").joinpath(_name(card))
        for place in (kept, shipped):
            if not place.is_file():
                continue
            try:
                found = Calibrator.load(place.read_bytes(), card, embedder)
            except (ArtefactRefused, OSError) as error:
                log.warning("%s is not used: %s", place, error)
                problems.append(f"{place.name} is refused: {error}")
                continue
            usable[card.name] = found if threshold is None else replace(found, threshold=threshold)
            break
        else:
            missing = f"no calibrator for {card.name} {card.version}: relevance is null"
            log.warning("%s; `python -m app calibrate` makes one", missing)
            problems.append(missing)
    return LoadedCalibrators(usable, tuple(problems))


def _name(card: ModelCard) -> str:
    return f"relevance-{card.name}.json"
