"""Trains the calibrator of relevance on judged queries, and measures its quality.

The regression is fitted on the tune split, with queries in and out of the domain. Its threshold is
chosen on held-out predictions of the same split; the test split is only used for measuring.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.model.judged import JudgedQuery
from app.model.ranking_metrics import Retrieved
from app.recommend.artefact import dump
from app.recommend.index import Index
from app.recommend.ranking import RankingModel, order
from app.recommend.relevance import FEATURES, features

STRENGTH = 0.3
"""Inverse regularisation (scikit-learn's C) on standardised features."""
FOLDS, REPEATS = 5, 10
GOOD_WITHHELD, OUTSIDE_WITHHELD = 0.05, 0.8
"""Goals for the fractions below the threshold: at most this fraction of good answers, and at least
this fraction of the queries out of the domain."""
FEWEST = 10
"""Minimum number of answered queries, and of other queries."""
BINS = 5
RESAMPLES = 2000
Values = NDArray[np.float64]
Mask = NDArray[np.bool_]


class TooFewAnswers(ValueError):
    """Fewer than FEWEST judged queries with, or without, a good first result."""


@dataclass(frozen=True, slots=True, eq=False)
class FirstResults:
    """A ranking model's first results of q queries.

    `seen`: their features (q, features); `good`: whether the result answers the query (q,);
    `outside`: whether the query is out of the domain (q,).
    """

    seen: Values
    good: Mask
    outside: Mask

    def __len__(self) -> int:
        return len(self.good)


def first_results(
    index: Index, retrieved: Sequence[Retrieved], model: RankingModel
) -> FirstResults:
    """The features of each query's first result, as the service computes them."""
    seen, good, outside = [], [], []
    for each in retrieved:
        if not len(each.candidates):
            continue
        place = int(order(model.score(each.candidates))[0])
        (first,) = index.documents(each.candidates.keys[[place]])
        seen.append(features(each.analyzed, each.candidates, place, first))
        good.append(answers(each.query, each.ids[place]))
        outside.append(not each.query.relevance)
    rows = np.array(seen, float).reshape(len(seen), len(FEATURES))
    return FirstResults(rows, np.array(good, bool), np.array(outside, bool))


def answers(query: JudgedQuery, document: str) -> bool:
    """Whether the document answers the query: its grade is at least half of the best grade."""
    best = max(query.relevance.values(), default=0)
    return best > 0 and query.relevance.get(document, 0) >= best / 2


def fit(found: FirstResults, fewest: int = FEWEST) -> tuple[list[float], float]:
    """The coefficients and the intercept. Raises TooFewAnswers."""
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - 1 s, needed here only

    if min(found.good.sum(), (~found.good).sum()) < fewest:
        counts = f"{found.good.sum()} answered queries and {(~found.good).sum()} others"
        raise TooFewAnswers(f"{counts}; at least {fewest} of each are needed")
    mean, spread = found.seen.mean(axis=0), found.seen.std(axis=0)
    spread[spread == 0] = 1
    model = LogisticRegression(C=STRENGTH, tol=1e-8, max_iter=1000)
    model.fit((found.seen - mean) / spread, found.good)
    coefficients = model.coef_[0] / spread
    return coefficients.tolist(), float(model.intercept_[0] - coefficients @ mean)


def predict(found: FirstResults, coefficients: Sequence[float], intercept: float) -> Values:
    """The relevance (q,) of each first result."""
    odds = found.seen @ np.array(coefficients) + intercept
    probabilities: Values = 0.5 + 0.5 * np.tanh(odds / 2)
    return probabilities


def cross_validated(found: FirstResults, seed: int = 0) -> Values:
    """The relevance (q,) of each query by models trained without it: the mean of REPEATS splits."""
    total = np.zeros(len(found))
    random = np.random.default_rng(seed)
    for _ in range(REPEATS):
        shuffled = random.permutation(len(found))
        places = shuffled[np.argsort(found.good[shuffled], kind="stable")]  # folds alike
        for fold in range(FOLDS):
            held = places[fold::FOLDS]
            rest = np.setdiff1d(places, held)
            part = FirstResults(found.seen[rest], found.good[rest], found.outside[rest])
            apart = FirstResults(found.seen[held], found.good[held], found.outside[held])
            total[held] += predict(apart, *fit(part, fewest=1))
    return total / REPEATS


def calibrate(found: FirstResults, model: RankingModel, embedder: str) -> bytes:
    """Fit on all queries; the artefact. Raises TooFewAnswers."""
    coefficients, intercept = fit(found)
    held_out = cross_validated(found)
    threshold = _threshold(held_out, found)
    measured = measure(held_out, found, threshold)
    artefact: dict[str, Any] = {
        "model": model.card.name,
        "model_version": model.card.version,
        "embedder": embedder,
        "features": list(FEATURES),
        "coefficients": [round(each, 4) for each in coefficients],
        "intercept": round(intercept, 4),
        "threshold": threshold,
        "trained_on": {
            "answered": int(found.good.sum()),
            "wrong_first_result": int((~found.good & ~found.outside).sum()),
            "out_of_domain": int(found.outside.sum()),
        },
        "cross_validated": {"auc": round(measured.auc.value, 3), "brier": round(measured.brier, 3)},
    }
    return dump(artefact)


def _threshold(held_out: Values, found: FirstResults) -> float:
    """The mean of the two thresholds that just meet one of the goals."""
    highest = float(np.quantile(held_out[found.good], GOOD_WITHHELD))
    others = held_out[found.outside if found.outside.any() else ~found.good]
    lowest = float(np.quantile(others, OUTSIDE_WITHHELD))
    return round((highest + lowest) / 2, 3)


@dataclass(frozen=True, slots=True)
class Rate:
    """A value with its 95 % interval; for a fraction, also its `count` and `total`."""

    value: float
    low: float
    high: float
    count: int = 0
    total: int = 0


@dataclass(frozen=True, slots=True)
class Bin:
    """A bin of queries by relevance: their number, mean relevance and answered fraction."""

    queries: int
    predicted: float
    observed: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """Quality of a calibrator.

    `auc`: good answers against queries out of the domain; `auc_all`: against wrong first results in
    the domain too. `withheld_good`, `withheld_outside`: fractions below the threshold.
    """

    auc: Rate
    auc_all: Rate
    brier: float
    withheld_good: Rate
    withheld_outside: Rate
    bins: tuple[Bin, ...]


def measure(relevance: Values, found: FirstResults, threshold: float) -> Calibration:
    """Compare predictions (q,) with judgements."""
    good, outside = relevance[found.good], relevance[found.outside]
    ordered = np.array_split(np.argsort(relevance, kind="stable"), BINS)
    return Calibration(
        auc=_auc(good, outside),
        auc_all=_auc(good, relevance[~found.good]),
        brier=float(np.mean((relevance - found.good) ** 2)),
        withheld_good=wilson(int((good < threshold).sum()), len(good)),
        withheld_outside=wilson(int((outside < threshold).sum()), len(outside)),
        bins=tuple(
            Bin(len(each), float(relevance[each].mean()), float(found.good[each].mean()))
            for each in ordered
            if len(each)
        ),
    )


def wilson(count: int, total: int) -> Rate:
    """A fraction with Wilson's 95 % score interval."""
    if not total:
        return Rate(0, 0, 1)
    z, share = 1.959964, count / total
    middle = (share + z * z / (2 * total)) / (1 + z * z / total)
    square = share * (1 - share) / total + z * z / (4 * total * total)
    half = z * square**0.5 / (1 + z * z / total)
    return Rate(share, max(middle - half, 0), min(middle + half, 1), count, total)


def _auc(higher: Values, lower: Values, seed: int = 0) -> Rate:
    """The probability that one of `higher` is above one of `lower`, bootstrapped over both.

    By sums of ranks: pairs are counted without a matrix of them.
    """
    if not len(higher) or not len(lower):
        return Rate(0.5, 0, 1)
    values, ranks = np.unique(np.concatenate([higher, lower]), return_inverse=True)
    of_higher, of_lower = ranks[: len(higher)], ranks[len(higher) :]

    def share(one: NDArray[np.intp], other: NDArray[np.intp]) -> float:
        there = np.bincount(other, minlength=len(values))
        wins = np.cumsum(there) - there / 2  # a tie is half a win
        return float(wins[one].sum() / (len(one) * len(other)))

    random = np.random.default_rng(seed)
    rows, columns = (
        random.integers(0, len(each), (RESAMPLES, len(each)), np.int32) for each in (higher, lower)
    )
    draws = [share(of_higher[r], of_lower[c]) for r, c in zip(rows, columns, strict=True)]
    low, high = np.percentile(draws, [2.5, 97.5])
    return Rate(share(of_higher, of_lower), float(low), float(high))
