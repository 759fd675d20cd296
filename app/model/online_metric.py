"""The online metric: how good each version's results are for the users who got them.

Quality is the attractiveness of the first CUT results, weighted by rank as in DCG: the probability
that a user likes a result that they look at. Likes are divided by the examination of their rank
(inverse propensity weighting: Joachims, Swaminathan and Schnabel, 2017), so a version neither gains
nor loses by where users look. The same without the division, and the click-through rate, are
reported beside it: they depend on how far users look, and can't be compared when that changes.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.catalogue.feedback_log import FeedbackLog
from app.model.calibration import Rate, wilson
from app.model.click_model import RANKS, Examination, examination
from app.recommend.types import ModelCard

CUT = 5
"""Ranks that quality is about: as many as a response has by default."""
FEWEST_LIKES = 10
"""A version needs so many for an estimate with an interval."""
Z = 1.959964
Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RankClicks:
    """What became of a version's results at one rank, from 1."""

    rank: int
    shown: int
    liked: int


@dataclass(frozen=True, slots=True)
class RankExamination:
    """The attention that a rank gets, relative to the first; with its 95 % interval.

    `likes`: those that it was estimated from. `known`: whether they are enough.
    """

    rank: int
    value: float
    low: float
    high: float
    likes: int
    known: bool


@dataclass(frozen=True, slots=True)
class VersionQuality:
    """A version's online metric. `click_through`: recommendations of which a result was liked.

    `quality` is corrected for the position bias; `uncorrected` is not. Both are None with fewer
    than FEWEST_LIKES, and `quality` where the examination of ranks is not known.
    """

    model: ModelCard
    recommendations: int
    liked: int
    quality: Rate | None
    uncorrected: Rate | None
    click_through: Rate
    by_rank: tuple[RankClicks, ...]


@dataclass(frozen=True, slots=True)
class OnlineReport:
    """The online metric of all versions in the journal, with what it was estimated from.

    `rows`: feedback by what became of it; `repeats`: feedback that was sent again; `pending`:
    recommendations that are too recent to count.
    """

    versions: tuple[VersionQuality, ...]
    examination: tuple[RankExamination, ...]
    rows: Mapping[str, int]
    repeats: int
    pending: int


def online_report(log: FeedbackLog) -> OnlineReport:
    """Estimate the examination of ranks, and from it the quality of each version."""
    examined = examination(log)
    deepest = min(CUT, int(log.rank.max(initial=0)) + 1)
    ranks = tuple(
        RankExamination(
            place + 1, float(value), float(value * np.exp(-Z * spread)),
            float(value * np.exp(Z * spread)), int(likes), known=place < examined.known,
        )
        for place, (value, spread, likes) in enumerate(
            zip(examined.values, examined.deviations, examined.likes, strict=True)
        )
    )  # fmt: skip
    gains = _gains(log, np.ones(RANKS))
    corrected = _gains(log, examined.values) if examined.known >= deepest else None
    versions = []
    for number, model in enumerate(log.models):
        mine = log.model == number
        shown = mine[log.recommendation]
        liked = int(log.liked[shown].sum())
        quality = uncorrected = None
        if liked >= FEWEST_LIKES:
            uncorrected = _mean(gains[mine].sum(axis=1))
            quality = None if corrected is None else _corrected(corrected, mine, examined)
        some = len(np.unique(log.recommendation[shown & log.liked]))
        versions.append(
            VersionQuality(
                model, int(mine.sum()), liked, quality, uncorrected,
                wilson(some, int(mine.sum())), _by_rank(log, shown),
            )
        )  # fmt: skip
    rows = {outcome.value: count for outcome, count in log.rows.items()}
    return OnlineReport(tuple(versions), ranks, rows, log.repeats, log.pending)


def _gains(log: FeedbackLog, examined: Values) -> Values:
    """(r, RANKS): what each rank adds to a recommendation's quality; without results, 0."""
    seen = log.rank < CUT
    rank, number, count = log.rank[seen], log.recommendation[seen], len(log.model)
    discount = 1 / np.log2(rank + 2)
    best = np.bincount(number, discount, minlength=count)
    gains = np.zeros((count, RANKS))
    gains[number, rank] = discount * log.liked[seen] / examined[rank] / best[number]
    return gains


def _mean(values: Values) -> Rate:
    """A mean with its 95 % interval."""
    return _rate(float(values.mean()), float(values.std() / len(values) ** 0.5))


def _corrected(gains: Values, mine: NDArray[np.bool_], examined: Examination) -> Rate:
    """The mean of a version's gains; its interval includes the uncertainty of the examination.

    By the influence of each recommendation (the delta method): on the mean, and on the examination,
    which all versions estimate together.
    """
    values = gains[mine].sum(axis=1)
    influence = np.zeros(len(mine))
    influence[mine] = (values - values.mean()) / len(values)
    slope = -gains[mine].mean(axis=0)[1:]
    influence += examined.scores @ np.linalg.solve(examined.information, slope)
    return _rate(float(values.mean()), float(np.sqrt(influence @ influence)))


def _rate(value: float, deviation: float) -> Rate:
    return Rate(value, max(value - Z * deviation, 0.0), value + Z * deviation)


def _by_rank(log: FeedbackLog, shown: NDArray[np.bool_]) -> tuple[RankClicks, ...]:
    seen = shown & (log.rank < RANKS)
    counts = np.bincount(log.rank[seen], minlength=RANKS)
    likes = np.bincount(log.rank[seen], log.liked[seen], minlength=RANKS)
    return tuple(
        RankClicks(place + 1, int(count), int(liked))
        for place, (count, liked) in enumerate(zip(counts, likes, strict=True))
        if count
    )
