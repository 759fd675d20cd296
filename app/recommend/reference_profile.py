"""A ranking model's reference profile: how queries and answers are distributed when it is right.

It is made with the model, from the queries that it was trained and evaluated on, and stored with it
as JSON. The bins of a number are quantiles of the reference, so that each has about the same share.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.recommend.artefact import ArtefactRefused, dump, parse
from app.recommend.dense import unit
from app.recommend.observation import NUMBERS, Observation
from app.recommend.types import Floats, ModelCard

BINS = 6
"""Bins of a number at most: more would need more reference queries for the same certainty."""
MIN_CATEGORY = 5
"""Reference queries that a category needs to be a bin of its own; others are OTHER."""
MAX_CATEGORIES = 64
OTHER = "(other)"
EMBEDDING, CATEGORY = "embedding", "category"
FEATURES = (*NUMBERS, EMBEDDING, CATEGORY)
"""`embedding`: cosine of the query's vector to the reference's centroid."""
DECIMALS = 6
Values = NDArray[np.float64]
Bins = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """Binned distributions of `queries` observations, by feature of FEATURES.

    `edges`: a value is in the first bin whose edge is not below it; behind the bins is one for
    missing values. `counts`: observations by bin. `categories`: the names of the bins of CATEGORY,
    the last is OTHER. `centroid` (d,): the mean of the queries' unit vectors, as a unit vector.
    `spread`: 1 minus the length of that mean; 0 if all are equal.
    """

    model: str
    version: str
    embedder: str
    queries: int
    edges: Mapping[str, Values]
    counts: Mapping[str, Values]
    categories: tuple[str, ...]
    centroid: Floats
    spread: float

    @classmethod
    def of(cls, observations: Sequence[Observation], model: ModelCard, embedder: str) -> "Profile":
        """The profile of at least one observation. `embedder`: name of the dense leg's model."""
        vectors = np.stack([each.vector for each in observations])
        mean = vectors.mean(axis=0)
        centroid: Floats = unit(mean).round(DECIMALS)
        columns = _columns(observations, vectors, centroid)
        quantiles = np.linspace(0, 1, BINS + 1)[1:-1]
        edges: dict[str, Values] = {}
        for name, column in columns.items():
            known = column[~np.isnan(column)]
            found = np.quantile(known, quantiles) if len(known) else np.zeros(0)
            edges[name] = np.unique(found.round(DECIMALS))
        seen = Counter(each.category for each in observations).most_common(MAX_CATEGORIES)
        categories = (*(name for name, count in seen if count >= MIN_CATEGORY), OTHER)
        spread = round(1 - float(np.linalg.norm(mean)), DECIMALS)
        empty = cls(
            model.name, model.version, embedder, len(observations), edges, {}, categories,
            centroid, spread,
        )  # fmt: skip
        return Profile(
            model.name, model.version, embedder, len(observations), edges,
            empty.count(observations), categories, centroid, spread,
        )  # fmt: skip

    def count(self, observations: Sequence[Observation]) -> dict[str, Values]:
        """The number of observations in each bin, by feature."""
        vectors = np.stack([each.vector for each in observations])
        counted: dict[str, Values] = {}
        for name, column in _columns(observations, vectors, self.centroid).items():
            edges = self.edges[name]
            bins = np.searchsorted(edges, column, side="left")
            bins[np.isnan(column)] = len(edges) + 1
            counted[name] = np.bincount(bins, minlength=len(edges) + 2).astype(float)
        places = {name: place for place, name in enumerate(self.categories)}
        other = len(places) - 1
        named = [places.get(each.category, other) for each in observations]
        counted[CATEGORY] = np.bincount(named, minlength=len(places)).astype(float)
        return counted

    def dump(self) -> bytes:
        """As JSON; the same profile gives the same bytes."""
        content: dict[str, Any] = {
            "model": self.model,
            "model_version": self.version,
            "embedder": self.embedder,
            "queries": self.queries,
            "edges": {name: each.tolist() for name, each in self.edges.items()},
            "counts": {name: each.astype(int).tolist() for name, each in self.counts.items()},
            "categories": list(self.categories),
            "centroid": [round(each, DECIMALS) for each in self.centroid.astype(float).tolist()],
            "spread": self.spread,
        }
        return dump(content)

    @classmethod
    def load(cls, artefact: bytes, model: ModelCard, embedder: str) -> "Profile":
        """From JSON, for this ranking model and dense model. Raises ArtefactRefused."""
        content = parse(artefact)
        try:
            made_for = [str(content[name]) for name in ("model", "model_version", "embedder")]
            profile = cls(
                made_for[0],
                made_for[1],
                made_for[2],
                int(content["queries"]),
                {name: np.array(each, float) for name, each in content["edges"].items()},
                {name: np.array(each, float) for name, each in content["counts"].items()},
                tuple(map(str, content["categories"])),
                np.array(content["centroid"], np.float32),
                float(content["spread"]),
            )
            bins = {name: len(profile.edges[name]) + 2 for name in (*NUMBERS, EMBEDDING)}
            bins[CATEGORY] = len(profile.categories)
            whole = {name: each.shape for name, each in profile.counts.items()}
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ArtefactRefused(f"something is missing or wrong: {error!r}") from error
        in_use = [model.name, model.version, embedder]
        if made_for != in_use:
            raise ArtefactRefused(f"made for {made_for}, not for {in_use}; train again")
        if whole != {name: (count,) for name, count in bins.items()} or profile.queries < 1:
            raise ArtefactRefused("its counts do not fit its bins")
        return profile


def _columns(
    observations: Sequence[Observation], vectors: Floats, centroid: Floats
) -> dict[str, Values]:
    """The numeric features (n,) by name."""
    numbers = np.array([each.numbers for each in observations], float).reshape(-1, len(NUMBERS))
    columns: dict[str, Values] = dict(zip(NUMBERS, numbers.T, strict=True))
    columns[EMBEDDING] = (vectors @ centroid).astype(float)
    return columns
