"""Ranking models behind one protocol, and the ranking by their scores."""

import json
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from app.recommend.explain import explain
from app.recommend.features import features, names, owners
from app.recommend.fusion import leg_scores
from app.recommend.index import Index
from app.recommend.topic_signal import Evidence
from app.recommend.types import LEGS, Candidates, ModelCard, Query, Ranked, Ranking, Scored

DECIMALS = 6
"""Scores are rounded to this before they are compared: their last bits depend on the order in which
the index was written."""
LARGEST = 1e6
"""Upper limit of valid coefficients."""


class RankingModel(Protocol):
    """Scores candidates."""

    @property
    def card(self) -> ModelCard: ...

    def score(self, candidates: Candidates) -> Scored: ...


class ArtefactRefused(ValueError):
    """The trained artefact is invalid, or does not fit this program."""


class PairwiseModel:
    """A logistic regression on differences between documents, trained by scikit-learn.

    The score is the probability that the document is better than the average candidate. On the
    log-odds scale it is a sum, so each leg's contribution to `score - 0.5` is exact.
    """

    def __init__(
        self, coefficients: list[float], version: str, further: Sequence[str] = ()
    ) -> None:
        """`further`: names of the legs besides `types.LEGS`, in the order of their features."""
        self._coefficients = np.array(coefficients, np.float32)
        self._legs = (*LEGS[:-1], *further, LEGS[-1])
        belongs = [[leg == owner for owner in owners(further)] for leg in self._legs]
        self._by_leg = (np.array(belongs) * self._coefficients).T.astype(np.float32)
        strength = np.abs(self._by_leg).sum(axis=0)
        share = strength / (strength.sum() or 1)
        self._weights = dict(zip(self._legs, share.tolist(), strict=True))
        self.card = ModelCard("pairwise", version)

    @classmethod
    def load(cls, artefact: bytes, further: Sequence[str] = ()) -> "PairwiseModel":
        """From JSON: {"features": […], "coefficients": […]}. Raises ArtefactRefused."""
        try:
            content: dict[str, Any] = json.loads(artefact)
            seen, coefficients = content["features"], list(map(float, content["coefficients"]))
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
            raise ArtefactRefused(f"not a pairwise model: {error!r}") from error
        expected = names(further)
        if seen != expected or len(coefficients) != len(expected):
            raise ArtefactRefused(f"trained on the features {seen}, not on {expected}; train again")
        if not all(abs(each) <= LARGEST for each in coefficients):
            raise ArtefactRefused(f"a coefficient is not a number of at most {LARGEST:g}")
        return cls(coefficients, sha256(artefact).hexdigest()[:12], further)

    def score(self, candidates: Candidates) -> Scored:
        """Scores (n,) in [0, 1]; 0.5 is the average candidate."""
        if candidates.legs != self._legs:
            raise ValueError(f"trained for the legs {self._legs}, not for {candidates.legs}")
        seen = features(candidates)
        centred = seen - seen.mean(axis=0) if len(seen) else seen
        parts = centred @ self._by_leg
        odds = parts.sum(axis=1)
        scores = 0.5 + 0.5 * np.tanh(odds / 2)  # the logistic function, without overflow
        if not np.isfinite(scores).all():
            raise FloatingPointError("the pairwise model gave a score that is not a number")
        near = np.abs(odds) < 1e-6
        slope = np.where(near, 0.25, (scores - 0.5) / np.where(near, 1, odds))
        contributions = parts * slope[:, None].astype(np.float32)
        return Scored(
            candidates, scores.astype(np.float32), leg_scores(candidates), contributions,
            self._weights, self.card, base=0.5,
        )  # fmt: skip


class FallbackModel:
    """The preferred model, or the other one if it fails; the result carries the failure."""

    def __init__(self, preferred: RankingModel, other: RankingModel) -> None:
        self._preferred, self._other = preferred, other
        self.card = preferred.card

    def score(self, candidates: Candidates) -> Scored:
        try:
            return self._preferred.score(candidates)
        except Exception as error:  # noqa: BLE001 - no failure of a model may fail the request
            return replace(self._other.score(candidates), failure=error)


class RefusedModel:
    """Replaces a model that could not be loaded: the other model ranks; the result carries the
    failure."""

    def __init__(self, refusal: Exception, other: RankingModel) -> None:
        self.refusal, self._other = refusal, other
        self.card = other.card

    def score(self, candidates: Candidates) -> Scored:
        return replace(self._other.score(candidates), failure=self.refusal)


def order(scored: Scored) -> NDArray[np.intp]:
    """Positions of the candidates, best first; equal scores stay in the candidates' order."""
    return np.argsort(-np.round(scored.scores, DECIMALS), kind="stable")


def rank(
    scored: Scored,
    query: Query,
    evidence: Evidence,
    pages: NDArray[np.intp],
    index: Index,
    limit: int,
) -> Ranking:
    """The best `limit` documents with their reasons; `pages` (n,) points into the evidence."""
    leading = order(scored)[:limit]
    scores = np.round(scored.scores[leading].astype(float), DECIMALS).tolist()
    legs = np.round(scored.legs[leading].astype(float), DECIMALS).tolist()
    parts = np.round(scored.contributions[leading].astype(float), DECIMALS).tolist()
    keys = scored.candidates.keys[leading]
    found = {stored.key: stored for stored in index.documents(keys)}
    items: list[Ranked] = []
    for place, (key, number) in enumerate(zip(keys.tolist(), pages[leading].tolist(), strict=True)):
        if (stored := found.get(key)) is None:  # deleted since the retrieval
            continue
        page = evidence.pages[number] if number >= 0 else None
        matched = tuple(term.surface for term in query.terms if stored.contains(term.stem))
        reason = explain(scored.base, scored.weights, legs[place], parts[place], matched, page)
        rank_, section = len(items) + 1, stored.section
        items.append(Ranked(rank_, stored.document, scores[place], reason, section))
    return Ranking(tuple(items), considered=len(scored.candidates))
