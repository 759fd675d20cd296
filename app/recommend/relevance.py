"""Relevance: the probability that the first result answers the query.

A ranking always has a first result, which may not answer the query. A logistic regression predicts
whether it does, from six features that are comparable between catalogues: cosines, and fractions of
the query's words weighted by rarity. Serving is a dot product and a sigmoid;
`app/model/calibration.py` trains it.

The topic signal and the ranking model's scores are not used, so that one calibration is valid with
and without Wikipedia.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from app.recommend.artefact import ArtefactRefused, load
from app.recommend.fusion import fuse
from app.recommend.text_analysis import stems
from app.recommend.types import Candidates, ModelCard, Query, Relevance, Stored

FEATURES = (
    "similarity", "similarity_lead", "lead",
    "matched_share", "matched_weight", "title_share",
)  # fmt: skip
HEAVIEST = 3.0
"""Upper limit of the feature matched_weight."""
DECIMALS = 4

Calibrators = Mapping[str, "Calibrator"]
"""Calibrators by the name of their ranking model."""


def features(query: Query, candidates: Candidates, place: int, first: Stored) -> list[float]:
    """The features of a query whose first result is the candidate at `place`.

    - similarity: cosine of query and document in the dense leg
    - similarity_lead: its difference to the candidates' mean
    - lead: difference of the fused score to that of the best other candidate
    - matched_share: fraction of the query's words in the document, weighted by rarity
    - matched_weight: the sum of these weights, at most HEAVIEST
    - title_share: as matched_share, of the title's words
    """
    dense = candidates.dense
    fused = fuse(candidates.lexical, dense, candidates.latent)
    others = np.delete(fused, place)
    titled = frozenset(stems(first.document.title))
    total = sum(term.rarity for term in query.terms)
    matched = sum(term.rarity for term in query.terms if first.contains(term.stem))
    in_title = sum(term.rarity for term in query.terms if term.stem in titled)
    return [
        float(dense[place]),
        float(dense[place] - dense.mean()),
        float(fused[place] - others.max()) if len(others) else 0.0,
        matched / total if total else 0.0,
        min(matched, HEAVIEST),
        in_title / total if total else 0.0,
    ]


@dataclass(frozen=True, slots=True)
class Calibrator:
    """A logistic regression. `threshold`: minimum relevance of an answered query.

    `embedder`: the dense leg's model that it was trained with.
    """

    coefficients: tuple[float, ...]
    intercept: float
    threshold: float
    embedder: str
    version: str

    @classmethod
    def load(cls, artefact: bytes, model: ModelCard, embedder: str) -> "Calibrator":
        """From JSON, for this ranking model and dense model. Raises ArtefactRefused."""
        found = load(artefact, FEATURES)
        trained_for = [found.content.get(name) for name in ("model", "model_version", "embedder")]
        in_use = [model.name, model.version, embedder]
        if trained_for != in_use:
            raise ArtefactRefused(f"trained for {trained_for}, not for {in_use}; calibrate again")
        threshold = found.content.get("threshold")
        if not isinstance(threshold, float) or not 0 <= threshold <= 1:
            raise ArtefactRefused(f"its threshold is {threshold!r}, not a number from 0 to 1")
        return cls(found.coefficients, found.intercept, threshold, embedder, found.version)

    def relevance(self, seen: list[float]) -> Relevance:
        """The probability for features in the order of FEATURES, compared with the threshold."""
        odds = sum(map(float.__mul__, self.coefficients, seen), self.intercept)
        probability = round(0.5 + 0.5 * math.tanh(odds / 2), DECIMALS)  # logistic, no overflow
        return Relevance(probability, probability >= self.threshold)
