"""Features of the pairwise model: eight per candidate, each of one leg; two per further leg."""

from collections.abc import Iterable

import numpy as np

from app.recommend.fusion import fuse
from app.recommend.pseudo_relevance import similarity_to_best
from app.recommend.types import Candidates, Floats

FEATURES = (
    "lexical", "lexical_z",
    "dense", "dense_z", "dense_feedback",
    "latent", "latent_z", "latent_feedback",
)  # fmt: skip
LEG_OF = tuple(name.split("_")[0] for name in FEATURES)
"""The leg of each feature."""


def names(further: Iterable[str]) -> list[str]:
    """The names of all features, including those of further legs."""
    return [*FEATURES, *(name for leg in further for name in (leg, f"{leg}_z"))]


def owners(further: Iterable[str]) -> list[str]:
    """The leg of each feature, in the order of `names`."""
    return [*LEG_OF, *(leg for leg in further for _ in range(2))]


def features(candidates: Candidates) -> Floats:
    """The features of every candidate, (n, features).

    `*_z`: the leg's score in standard deviations from the candidates' mean. `*_feedback`: the
    similarity to the best candidates by the first pass of fusion (see `pseudo_relevance.py`).
    """
    lexical, dense, latent = candidates.lexical, candidates.dense, candidates.latent
    fused = fuse(lexical, dense, latent)
    columns = [
        lexical, _standard(lexical),
        dense, _standard(dense), similarity_to_best(candidates.dense_vectors, fused),
        latent, _standard(latent), similarity_to_best(candidates.latent_vectors, fused),
    ]  # fmt: skip
    for scores in candidates.further.values():
        columns += [scores, _standard(scores)]
    return np.stack(columns, axis=1)


def _standard(scores: Floats) -> Floats:
    spread = scores.std() if len(scores) else 0
    return (scores - scores.mean()) / spread if spread > 0 else np.zeros_like(scores)
