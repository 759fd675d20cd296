"""Ranking models behind one protocol, and the ranking by their scores."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from app.recommend.artefact import load
from app.recommend.explain import SUBJECT, explain
from app.recommend.features import features, names, owners
from app.recommend.fusion import leg_scores
from app.recommend.index import Index
from app.recommend.relevance import Calibrator
from app.recommend.relevance import features as relevance_features
from app.recommend.topic_signal import Page
from app.recommend.types import (
    DECIMALS,
    LEGS,
    Candidates,
    Floats,
    ModelCard,
    Query,
    Ranked,
    Ranking,
    Relevance,
    Scored,
    Stored,
)


class RankingModel(Protocol):
    """Scores candidates."""

    @property
    def card(self) -> ModelCard: ...

    def score(self, candidates: Candidates) -> Scored: ...


class PairwiseModel:
    """A logistic regression on differences between documents, trained by scikit-learn.

    Its log odds are scaled and shifted on held-out queries (Platt, 1999), which leaves the order
    as it is: the score is the probability that the document is relevant. On the log-odds scale it
    is a sum, so each leg's part of it is exact.
    """

    def __init__(
        self,
        coefficients: Sequence[float],
        version: str,
        further: Sequence[str] = (),
        intercept: float = 0.0,
    ) -> None:
        """`further`: names of the legs besides `types.LEGS`, in the order of their features."""
        self.coefficients = np.array(coefficients, np.float32)
        self._intercept, self._further = intercept, tuple(further)
        self._legs = (*LEGS[:-1], *further, LEGS[-1])
        belongs = [[leg == owner for owner in owners(further)] for leg in self._legs]
        self._by_leg = (np.array(belongs) * self.coefficients).T.astype(np.float32)
        strength = np.abs(self._by_leg).sum(axis=0)
        share = strength / (strength.sum() or 1)
        self._weights = dict(zip(self._legs, share.tolist(), strict=True))
        self.card = ModelCard("pairwise", version)

    @classmethod
    def load(cls, artefact: bytes, further: Sequence[str] = ()) -> "PairwiseModel":
        """From JSON; see `artefact`. Raises ArtefactRefused."""
        found = load(artefact, names(further))
        return cls(found.coefficients, found.version, further, found.intercept)

    def with_coefficients(self, coefficients: Floats) -> "PairwiseModel":
        """The same version with other coefficients."""
        version = self.card.version
        return PairwiseModel(coefficients.tolist(), version, self._further, self._intercept)

    def score(self, candidates: Candidates) -> Scored:
        """Scores (n,) in [0, 1]. The base is the score with all features at 0."""
        if candidates.legs != self._legs:
            raise ValueError(f"trained for the legs {self._legs}, not for {candidates.legs}")
        parts = features(candidates) @ self._by_leg
        odds = parts.sum(axis=1, dtype=np.float64)
        base = float(_logistic(np.float64(self._intercept)))
        scores = _logistic(odds + self._intercept)
        if not np.isfinite(scores).all():
            raise FloatingPointError("the pairwise model gave a score that is not a number")
        near = np.abs(odds) < 1e-6
        slope = np.where(near, base * (1 - base), (scores - base) / np.where(near, 1, odds))
        contributions = (parts * slope[:, None]).astype(np.float32)
        return Scored(
            candidates, scores.astype(np.float32), leg_scores(candidates), contributions,
            self._weights, self.card, base=base,
        )  # fmt: skip


def _logistic(odds: Any) -> Any:
    return 0.5 + 0.5 * np.tanh(odds / 2)  # without overflow


class FallbackModel:
    """The preferred model, or the other one if it fails; the result carries the failure."""

    def __init__(self, preferred: RankingModel, other: RankingModel) -> None:
        self.preferred, self.other = preferred, other
        self.card = preferred.card

    def score(self, candidates: Candidates) -> Scored:
        try:
            return self.preferred.score(candidates)
        except Exception as error:  # noqa: BLE001 - no failure of a model may fail the request
            return replace(self.other.score(candidates), failure=error)


class RefusedModel:
    """Replaces a model that could not be loaded: the other model ranks; the result carries the
    failure."""

    def __init__(self, refusal: Exception, other: RankingModel) -> None:
        self.refusal, self.other = refusal, other
        self.card = other.card

    def score(self, candidates: Candidates) -> Scored:
        return replace(self.other.score(candidates), failure=self.refusal)


def order(scored: Scored) -> NDArray[np.intp]:
    """Positions of the candidates, best first; equal scores stay in the candidates' order."""
    return np.argsort(-np.round(scored.scores, DECIMALS), kind="stable")


def rank(
    scored: Scored,
    query: Query,
    pages: Sequence[Page | None],
    index: Index,
    limit: int,
    calibrator: Calibrator | None = None,
) -> Ranking:
    """The best `limit` documents with their reasons; `pages` (n,) are named in them.

    `calibrator` judges the first document.
    """
    leading = order(scored)[:limit]
    stored = {each.key: each for each in index.documents(scored.candidates.keys[leading])}
    keys = scored.candidates.keys[leading].tolist()
    leading = leading[[key in stored for key in keys]]  # without those deleted since the retrieval
    found = [stored[key] for key in keys if key in stored]
    relevance = _relevance(calibrator, query, scored, leading, found)
    scores = np.round(scored.scores[leading].astype(float), DECIMALS).tolist()
    legs = np.round(scored.legs[leading].astype(float), DECIMALS).tolist()
    parts = np.round(scored.contributions[leading].astype(float), DECIMALS).tolist()
    same_subject = scored.candidates.latent >= SUBJECT
    if relevance is not None and not relevance.answered:
        same_subject = np.zeros_like(same_subject)
    items: list[Ranked] = []
    for place, (number, each) in enumerate(zip(leading.tolist(), found, strict=True)):
        matched = tuple(term.surface for term in query.terms if each.contains(term.stem))
        reason = explain(
            scored, legs[place], parts[place], matched, pages[number],
            subject=bool(same_subject[number]),
        )  # fmt: skip
        items.append(Ranked(place + 1, each.document, scores[place], reason, each.section))
    return Ranking(tuple(items), len(scored.candidates), relevance)


def _relevance(
    calibrator: Calibrator | None,
    query: Query,
    scored: Scored,
    leading: NDArray[np.intp],
    found: Sequence[Stored],
) -> Relevance | None:
    if calibrator is None:
        return None
    if not found:
        return Relevance(0.0, answered=False)
    return calibrator.relevance(
        relevance_features(query, scored.candidates, int(leading[0]), found[0])
    )
