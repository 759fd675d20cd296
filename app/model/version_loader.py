"""Loads a version of the model: checks that it is undamaged and fits this service."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from app.catalogue.index import CatalogueIndex
from app.catalogue.store import Catalogue
from app.model.registry import PROFILE, Registry
from app.model.registry_records import BUILT_IN
from app.recommend.artefact import ArtefactRefused
from app.recommend.index import Index
from app.recommend.leg import Leg
from app.recommend.ranking import FallbackModel, PairwiseModel
from app.recommend.reference_profile import Profile
from app.recommend.relevance import Calibrator
from app.recommend.serving_model import ServingModel
from app.recommend.types import ModelCard

log = logging.getLogger(__name__)
RANKER, CALIBRATOR = "ranker.json", "calibrator.json"
SAMPLE = 64
"""Number of document ids by which a catalogue is recognised."""
LEAST_SHARED = 0.5
"""Minimum fraction of them that the catalogue must still have."""

Load = Callable[[str], ServingModel]
"""From a version's id to the version. Raises ArtefactRefused; OSError or sqlite3.Error if that
can't be decided now."""


def about(catalogue: Catalogue) -> dict[str, Any]:
    """What a version that is trained on this catalogue must fit, for its manifest."""
    embedder = catalogue.models.embedder
    return {
        "embedder": {
            "name": embedder.name,
            "version": embedder.version,
            "hash": embedder.hash,
        },
        "catalogue": {"documents": len(catalogue), "sample": catalogue.sample_of_ids(SAMPLE)},
    }


@dataclass(frozen=True, slots=True)
class VersionLoader:
    """Loads versions for one service; implements `Load`.

    `built_in`: what serves without training, and in place of a version that fails. `threshold`:
    overrides the calibrated one.
    """

    registry: Registry
    catalogue: Catalogue
    legs: Sequence[Leg]
    built_in: ServingModel
    threshold: float | None = None

    def index(self) -> Index:
        """The current index of the catalogue."""
        return CatalogueIndex(self.catalogue.database, self.catalogue.models, legs=self.legs).now()

    def __call__(self, version: str) -> ServingModel:
        if version == BUILT_IN:
            return self.built_in
        manifest, files = self.registry.read(version)
        self._check(manifest.about)
        try:
            ranker, calibrator = files[RANKER], files[CALIBRATOR]
        except KeyError as error:
            raise ArtefactRefused(f"it has no {error.args[0]}") from error
        try:
            model = PairwiseModel.load(ranker, [leg.name for leg in self.legs])
        except ArtefactRefused as error:
            raise ArtefactRefused(f"{RANKER}: {error}") from error
        try:
            judge = Calibrator.load(calibrator, model.card, self.catalogue.models.embedder.name)
        except ArtefactRefused as error:
            raise ArtefactRefused(f"{CALIBRATOR}: {error}") from error
        if self.threshold is not None:
            judge = replace(judge, threshold=self.threshold)
        profile = self._profile(version, files.get(PROFILE), model.card)
        model.card = replace(model.card, version=version)  # as people and telemetry name it
        return ServingModel(
            FallbackModel(model, self.built_in.model),
            {**self.built_in.calibrators, model.card.name: judge},
            manifest.trained_at,
            profile,
        )

    def _profile(self, version: str, artefact: bytes | None, card: ModelCard) -> Profile | None:
        """Without a usable profile the version serves all the same, and drift is not detected."""
        if artefact is None:
            return None
        try:
            return Profile.load(artefact, card, self.catalogue.models.embedder.name)
        except ArtefactRefused as error:
            log.warning("no drift detection for %s: %s: %s", version, PROFILE, error)
            return None

    def _check(self, content: Mapping[str, Any]) -> None:
        """Raises ArtefactRefused if the version is of another embedding model or catalogue."""
        embedder = self.catalogue.models.embedder
        try:
            name, hash_ = content["embedder"]["name"], content["embedder"]["hash"]
            sample = [str(each) for each in content["catalogue"]["sample"]][:SAMPLE]
        except (KeyError, TypeError) as error:
            raise ArtefactRefused(f"its manifest lacks something: {error!r}") from error
        if (name, hash_) != (embedder.name, embedder.hash):
            raise ArtefactRefused(
                f"trained with the embedding model {name} ({hash_}), not with {embedder.name} "
                f"({embedder.hash}); train again"
            )
        shared = len(self.catalogue.existing(sample))
        if shared < LEAST_SHARED * len(sample):
            raise ArtefactRefused(
                f"trained on another catalogue: this one has {shared} of {len(sample)} sampled "
                "documents; train again"
            )
