"""The position-based click model: a user likes a result if they look at it and it attracts them.

    P(liked) = examination of the rank * attractiveness of (query, document)

(Craswell et al., 2008). The examination is estimated from the log alone, wherever different
versions, or the same one at different times, showed a document at different ranks for the same
query (harvested interventions: Agarwal et al., 2019). The attractiveness of each pair is eliminated
by conditioning on its number of likes, which leaves a concave likelihood: the fixed-effects Poisson
regression of Hausman, Hall and Griliches (1984), consistent for any number of pairs.

Relative to the first rank, whose examination is 1: whether users looked at anything at all can't be
separated from whether it attracted them.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.catalogue.feedback_log import FeedbackLog

RANKS = 10
"""Ranks of the model; results below are not used."""
FEWEST_LIKES = 20
"""Likes that a rank needs of results that were shown at other ranks too."""
SMOOTHNESS = 1.0
"""Precision of the prior: log examinations of neighbouring ranks differ by N(0, 1). It keeps the
estimate finite, and weighs about as much as one like."""
STEPS, TOLERANCE, LARGEST_STEP = 50, 1e-9, 1.0
Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Examination:
    """How much attention each rank gets, relative to the first one.

    `values` (RANKS,), the first is 1; `likes` (RANKS,): those that it was estimated from;
    `information` (RANKS - 1, RANKS - 1): of the logarithms from the second rank on, and `scores`
    (r, RANKS - 1): what each recommendation contributed to their gradient.

    A rank has 0 `likes` if no moved documents link it with the first one, not even by way of other
    ranks: its value comes from the prior alone.
    """

    values: Values
    likes: Values
    information: Values
    scores: Values

    @property
    def known(self) -> int:
        """The number of ranks, from the first, whose likes are enough for an estimate."""
        enough = self.likes >= FEWEST_LIKES
        return RANKS if enough.all() else int(np.argmin(enough))

    @property
    def deviations(self) -> Values:
        """Standard deviation (RANKS,) of the logarithm of each value."""
        variances = np.diag(np.linalg.inv(self.information))
        deviations: Values = np.sqrt(np.concatenate([[0.0], variances]))
        return deviations


def examination(log: FeedbackLog) -> Examination:
    """Estimate the examination by Newton's method."""
    seen = log.rank < RANKS
    pair, rank, liked = log.pair[seen], log.rank[seen], log.liked[seen]
    cells, shape = pair * RANKS + rank, (len(log.queries), RANKS)
    shown = np.bincount(cells, minlength=shape[0] * RANKS).reshape(shape)
    likes = np.bincount(cells, liked, minlength=shape[0] * RANKS).reshape(shape)
    moved = ((shown > 0).sum(axis=1) > 1) & (likes.sum(axis=1) > 0)
    shown, likes, total = shown[moved], likes[moved], likes[moved].sum(axis=1)[:, None]
    step = np.diff(np.eye(RANKS), axis=0)
    prior, logarithm = SMOOTHNESS * step.T @ step, np.zeros(RANKS)
    for _ in range(STEPS):
        weight = shown * np.exp(logarithm)
        share = weight / weight.sum(axis=1, keepdims=True)
        gradient = (likes - total * share).sum(axis=0) - prior @ logarithm
        expected = total * share
        information = (np.diag(expected.sum(axis=0)) - expected.T @ share + prior)[1:, 1:]
        change = np.linalg.solve(information, gradient[1:])
        logarithm[1:] += np.clip(change, -LARGEST_STEP, LARGEST_STEP)
        if np.abs(change).max() < TOLERANCE:
            break
    shares = np.zeros(shape)
    shares[moved] = share
    used = liked & moved[pair]
    scores = np.zeros((len(log.model), RANKS))
    numbers = log.recommendation[seen][used]
    np.add.at(scores, (numbers, rank[used]), 1)
    np.subtract.at(scores, numbers, shares[pair[used]])
    together = (shown > 0).T @ (shown > 0)  # booleans, of which sums are "or"
    linked = np.linalg.matrix_power(together, RANKS)[0]
    return Examination(np.exp(logarithm), likes.sum(axis=0) * linked, information, scores[:, 1:])


def expected_likes(log: FeedbackLog, examined: Values) -> tuple[Values, Values]:
    """Of each (query, document) pair: likes (p,), and looks (p,), the number of times that users
    looked at it. Their quotient is its attractiveness (clicks over expected clicks: Zhang and
    Jones, 2007). `examined` (k,): the examination of the first k ranks; others do not count."""
    seen, pairs = log.rank < len(examined), len(log.queries)
    likes: Values = np.bincount(log.pair[seen], log.liked[seen], minlength=pairs).astype(float)
    looked = examined[log.rank[seen]]
    looks: Values = np.bincount(log.pair[seen], looked, minlength=pairs).astype(float)
    return likes, looks
