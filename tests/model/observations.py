"""Observations of invented queries, and a version of the model that expects such queries."""

import numpy as np

from app.catalogue.store import Catalogue
from app.model.registry import PROFILE, Registry
from app.model.version_loader import RANKER
from app.recommend.observation import NUMBERS, Observation
from app.recommend.ranking import PairwiseModel
from app.recommend.reference_profile import Profile
from tests.model.versions import register


def observation(
    number: int, numbers: dict[str, float] | None = None, width: int = 8
) -> Observation:
    """One of many queries that differ a little; `numbers` of its own where they matter."""
    chance = np.random.default_rng(number)
    known = {name: float(chance.random()) for name in NUMBERS} | (numbers or {})
    vector = chance.normal(size=width).astype(np.float32)
    values = tuple(known[name] for name in NUMBERS)
    unit = vector / np.float32(np.linalg.norm(vector))
    return Observation(number, values, f"category {number % 4}", unit)


def register_with_profile(catalogue: Catalogue, registry: Registry, weight: float = 1.0) -> str:
    """The id of a version whose reference are 400 observations."""
    embedder = catalogue.models.embedder
    seen = [observation(number, width=embedder.width) for number in range(1_000, 1_400)]

    def add(files: dict[str, bytes], _: object) -> None:
        card = PairwiseModel.load(files[RANKER]).card
        files[PROFILE] = Profile.of(seen, card, embedder.name).dump()

    return register(catalogue, registry, weight, alter=add)
