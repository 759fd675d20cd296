"""Baseline ranking models for comparison: one leg alone, and chance."""

import numpy as np

from app.recommend.fusion import leg_scores
from app.recommend.types import Candidates, Floats, ModelCard, Scored


class OneLeg:
    """Ranks by one leg's score."""

    def __init__(self, leg: str) -> None:
        self._leg = leg
        self.card = ModelCard(f"only-{leg}", "1")

    def score(self, candidates: Candidates) -> Scored:
        """The leg's scores, (n,)."""
        column = candidates.legs.index(self._leg)
        return _scored(candidates, leg_scores(candidates)[:, column], self.card)


class Chance:
    """Ranks candidates at random, reproducibly by its seed."""

    card = ModelCard("chance", "1")

    def __init__(self, seed: int = 0) -> None:
        self._random = np.random.default_rng(seed)

    def score(self, candidates: Candidates) -> Scored:
        """Random numbers, (n,)."""
        return _scored(candidates, self._random.random(len(candidates), np.float32), self.card)


def _scored(candidates: Candidates, scores: Floats, card: ModelCard) -> Scored:
    legs = leg_scores(candidates)
    weights = dict.fromkeys(candidates.legs, 0.0)
    return Scored(candidates, scores, legs, np.zeros_like(legs), weights, card)
