"""Trains the pairwise ranking model: which of two documents should rank higher?

A logistic regression on the differences between a better and a worse document's features (RankSVM's
reduction, Joachims 2002, with logistic loss). Linear and pairwise, because trees and pointwise
models improved one collection and harmed another.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.model.evaluate import Retrieved, quality, scores_of
from app.recommend.features import features, names
from app.recommend.ranking import PairwiseModel
from app.recommend.types import Floats

STRENGTH = 0.1
"""Inverse regularisation (scikit-learn's C) on standardised features."""
WORSE_PER_BETTER = 20
FOLDS = 5
FEWEST = 10


class TooFewQueries(ValueError):
    """Not enough judged queries to train on."""


def fit(retrieved: Sequence[Retrieved], seed: int = 0) -> list[float]:
    """One coefficient per feature. Raises TooFewQueries."""
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - 1 s, needed here only

    seen = [features(each.candidates) for each in retrieved]
    random = np.random.default_rng(seed)
    parts = [_pairs(x, each.gains(), random) for x, each in zip(seen, retrieved, strict=True)]
    differences = np.concatenate(parts) if parts else np.zeros((0, 0), np.float32)
    if len(retrieved) < FEWEST or not len(differences):
        found = f"{len(retrieved)} judged queries with candidates; at least {FEWEST} are needed"
        raise TooFewQueries(found)
    spread = np.concatenate(seen).std(axis=0)
    spread[spread == 0] = 1
    signs = random.choice(np.array([-1.0, 1.0], np.float32), len(differences))
    model = LogisticRegression(C=STRENGTH, fit_intercept=False, max_iter=1000)
    model.fit(differences / spread * signs[:, None], signs > 0)
    coefficients: list[float] = (model.coef_[0] / spread).tolist()
    return coefficients


def _pairs(seen: Floats, gains: Floats, random: np.random.Generator) -> Floats:
    """Differences (p, features) between each relevant document and some less relevant ones."""
    parts = []
    for better in np.flatnonzero(gains > 0):
        worse: NDArray[np.intp] = np.flatnonzero(gains < gains[better])
        chosen = random.permutation(worse)[:WORSE_PER_BETTER]
        parts.append(seen[better] - seen[chosen])
    return np.concatenate(parts) if parts else np.zeros((0, seen.shape[1]), np.float32)


def cross_validated(retrieved: Sequence[Retrieved], seed: int = 0) -> NDArray[np.float64]:
    """The nDCG@10 (q,) of each query by a model trained without it (5 folds)."""
    places = np.random.default_rng(seed).permutation(len(retrieved))
    values = np.zeros(len(retrieved))
    for fold in range(FOLDS):
        held = places[fold::FOLDS]
        training = [retrieved[place] for place in np.setdiff1d(places, held)]
        model = PairwiseModel(fit(training, seed), "fold", _further(training))
        values[held] = scores_of([retrieved[place] for place in held], model)
    return values


def train(retrieved: Sequence[Retrieved], path: Path) -> PairwiseModel:
    """Fit on all queries and write the artefact atomically."""
    expected = quality(cross_validated(retrieved))
    artefact = {
        "features": names(_further(retrieved)),
        "coefficients": fit(retrieved),
        "trained_on": {"queries": len(retrieved), "pairs_per_relevant": WORSE_PER_BETTER},
        "cross_validated_ndcg": round(expected.mean, 4),
    }
    content = json.dumps(artefact, indent=2).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    unfinished.write_bytes(content)
    unfinished.replace(path)
    return PairwiseModel.load(content, _further(retrieved))


def _further(retrieved: Sequence[Retrieved]) -> list[str]:
    return list(retrieved[0].candidates.further) if retrieved else []
