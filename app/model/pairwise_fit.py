"""Trains the pairwise ranking model: which of two documents should rank higher?

A logistic regression on the differences between a better and a worse document's features (RankSVM's
reduction, Joachims 2002, with logistic loss). Linear and pairwise, because trees and pointwise
models improved one collection and harmed another.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from app.model.ranking_metrics import Retrieved, answerable, quality, scores_of
from app.recommend.artefact import dump
from app.recommend.features import features, names
from app.recommend.ranking import PairwiseModel
from app.recommend.types import Floats

STRENGTH = 0.1
"""Inverse regularisation (scikit-learn's C) on standardised features."""
WORSE_PER_BETTER = 20
FOLDS = 5
FEWEST = 10
LEAST_SCALE = 1e-3
DECIMALS = 5


class TooFewQueries(ValueError):
    """Not enough judged queries to train on."""


def fit(retrieved: Sequence[Retrieved], seed: int = 0, fewest: int = FEWEST) -> list[float]:
    """One coefficient per feature. Raises TooFewQueries."""
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - 1 s, needed here only

    retrieved = answerable(retrieved)
    seen = [features(each.candidates) for each in retrieved]
    random = np.random.default_rng(seed)
    parts = [_pairs(x, each.gains(), random) for x, each in zip(seen, retrieved, strict=True)]
    differences = np.concatenate(parts) if parts else np.zeros((0, 0), np.float32)
    if len(retrieved) < fewest or not len(differences):
        found = f"{len(retrieved)} judged queries with candidates; at least {fewest} are needed"
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


Fold = tuple[NDArray[np.intp], list[float]]
"""Positions of answerable queries, and the coefficients trained without these queries."""


def fit_folds(retrieved: Sequence[Retrieved], seed: int = 0) -> list[Fold]:
    """Every answerable query is in one of the FOLDS folds. Raises TooFewQueries."""
    retrieved = answerable(retrieved)
    places = np.random.default_rng(seed).permutation(len(retrieved))
    held = [places[fold::FOLDS] for fold in range(FOLDS)]
    rest = [[retrieved[place] for place in np.setdiff1d(places, each)] for each in held]
    return [(each, fit(others, seed, fewest=1)) for each, others in zip(held, rest, strict=True)]


def cross_validated(
    retrieved: Sequence[Retrieved], folds: Sequence[Fold] | None = None
) -> NDArray[np.float64]:
    """The nDCG@10 (q,) of each answerable query by a model trained without it."""
    retrieved = answerable(retrieved)
    values = np.zeros(len(retrieved))
    for held, coefficients in folds or fit_folds(retrieved):
        model = PairwiseModel(coefficients, "fold", _further(retrieved))
        values[held] = scores_of([retrieved[place] for place in held], model)
    return values


def platt(
    retrieved: Sequence[Retrieved], coefficients: Sequence[float], folds: Sequence[Fold]
) -> tuple[float, float]:
    """(scale, intercept) that turn log odds into the probability that a candidate is relevant.

    Learnt on candidates of held-out queries, and of those no document answers. The scale is above
    zero, so the order stays.
    """
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415

    judged = answerable(retrieved)
    odds, relevant = [], []
    for held, trained in folds:
        for each in (judged[place] for place in held):
            odds.append(features(each.candidates) @ np.array(trained))
            relevant.append(each.gains() > 0)
    for each in retrieved:
        if not each.query.relevance:
            odds.append(features(each.candidates) @ np.array(coefficients))
            relevant.append(each.gains() > 0)
    model = LogisticRegression(C=1e6, tol=1e-8, max_iter=1000)
    model.fit(np.concatenate(odds)[:, None], np.concatenate(relevant))
    return max(float(model.coef_[0, 0]), LEAST_SCALE), float(model.intercept_[0])


def train(retrieved: Sequence[Retrieved]) -> bytes:
    """Fit on all queries; the artefact. Raises TooFewQueries."""
    coefficients = fit(retrieved)
    folds = fit_folds(retrieved)
    expected = quality(cross_validated(retrieved, folds))
    scale, intercept = platt(retrieved, coefficients, folds)
    return dump(
        {
            "features": names(_further(retrieved)),
            "coefficients": [round(scale * each, DECIMALS) for each in coefficients],
            "intercept": round(intercept, DECIMALS),
            "trained_on": {
                "queries": len(answerable(retrieved)),
                "pairs_per_relevant": WORSE_PER_BETTER,
            },
            "cross_validated_ndcg": round(expected.mean, 4),
        }
    )


def _further(retrieved: Sequence[Retrieved]) -> list[str]:
    return list(retrieved[0].candidates.further) if retrieved else []
