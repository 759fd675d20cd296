"""Ranking quality: nDCG@10 over judged queries, with a bootstrap confidence interval."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from app.model.judged import JudgedQuery
from app.recommend.index import DEPTH, Index
from app.recommend.query import NoSearchableWords, analyze
from app.recommend.ranking import RankingModel, order
from app.recommend.types import Candidates, Query

CUT = 10
RESAMPLES, BATCH = 2000, 200
"""Resamples of a bootstrap, and how many are drawn at once, which bounds the memory."""


@dataclass(frozen=True, slots=True, eq=False)
class Retrieved:
    """A judged query with its candidates and their ids, in the same order."""

    query: JudgedQuery
    analyzed: Query
    candidates: Candidates
    ids: list[str]

    def gains(self) -> np.ndarray:
        """The candidates' grades, (n,)."""
        return np.array([self.query.relevance.get(name, 0.0) for name in self.ids], np.float32)


@dataclass(frozen=True, slots=True)
class Quality:
    """Mean nDCG@10 over a number of `queries`, with its 95 % bootstrap interval."""

    mean: float
    low: float
    high: float
    queries: int


def ndcg(ranking: Sequence[str], relevance: Mapping[str, float], cut: int = CUT) -> float:
    """Normalised discounted cumulative gain with linear gains; 0 without relevant documents."""
    discounts = [1 / math.log2(place + 2) for place in range(cut)]
    gained = sum(
        relevance.get(name, 0.0) * discount
        for name, discount in zip(ranking, discounts, strict=False)
    )
    ideal = sorted(relevance.values(), reverse=True)
    best = sum(grade * discount for grade, discount in zip(ideal, discounts, strict=False))
    return gained / best if best else 0.0


def retrieve(
    index: Index, names: Callable[[Sequence[int]], list[str]], queries: Sequence[JudgedQuery]
) -> list[Retrieved]:
    """The candidates of every query that has words."""
    found = []
    for query in queries:
        try:
            analyzed = analyze(query.text, index)
        except NoSearchableWords:
            continue
        candidates = index.retrieve(index.probe(analyzed), DEPTH, frozenset())
        found.append(Retrieved(query, analyzed, candidates, names(candidates.keys.tolist())))
    return found


def answerable(retrieved: Sequence[Retrieved]) -> list[Retrieved]:
    """The queries that have relevant documents."""
    return [each for each in retrieved if each.query.relevance]


def scores_of(retrieved: Sequence[Retrieved], model: RankingModel) -> np.ndarray:
    """The nDCG@10 of each answerable query, (q,)."""
    values = []
    for each in answerable(retrieved):
        places = order(model.score(each.candidates))[:CUT].tolist()
        values.append(ndcg([each.ids[place] for place in places], each.query.relevance))
    return np.array(values)


def quality(values: np.ndarray, seed: int = 0) -> Quality:
    """The mean of values (q,) with a percentile bootstrap over queries."""
    random, shape = np.random.default_rng(seed), (BATCH, len(values))
    means = [
        values[random.integers(0, len(values), shape)].mean(axis=1)
        for _ in range(RESAMPLES // BATCH)
    ]
    low, high = np.percentile(np.concatenate(means), [2.5, 97.5])
    return Quality(float(values.mean()), float(low), float(high), len(values))
