"""Promotes and rolls back versions: only to versions that can be loaded here."""

import sqlite3

from app.model.registry_records import Author, Change
from app.model.version_loader import VersionLoader
from app.recommend.artefact import ArtefactRefused
from app.recommend.stages import (
    MODEL_PROMOTED,
    MODEL_ROLLED_BACK,
    PROMOTE,
    ROLL_BACK,
    StageObserver,
)


class GateRefused(ValueError):
    """The gate refused the version when it was trained; the message says why."""


def promote(
    loader: VersionLoader, name: str, by: Author, stages: StageObserver, *, force: bool = False
) -> Change:
    """Make a version (its id, number or hash) the champion.

    Every worker serves it with its next request. `force`: also if the gate refused it. Raises
    UnknownVersion, GateRefused, ArtefactRefused, OSError.
    """
    with stages.observe(PROMOTE) as stage:
        registry = loader.registry
        version = registry.resolve(name)
        loader(version)
        reasons = registry.card(version).get("gate", {}).get("reasons", [])
        if reasons and registry.has_passed(version):  # when it was trained again
            reasons = []
        if reasons and not force:
            raise GateRefused("; ".join(reasons))
        change = stage.result = registry.promote(version, by, forced=bool(reasons))
        if change.replaced != version:
            stages.note(MODEL_PROMOTED)
    return change


def roll_back(loader: VersionLoader, by: Author, stages: StageObserver) -> Change:
    """Make the latest earlier champion that can be loaded the champion again.

    Raises NoPreviousVersion, OSError.
    """

    def usable(version: str) -> bool:
        try:
            loader(version)
        except (ArtefactRefused, OSError, sqlite3.Error):
            return False
        return True

    with stages.observe(ROLL_BACK) as stage:
        change = stage.result = loader.registry.roll_back(usable, by)
        stages.note(MODEL_ROLLED_BACK)
    return change
