"""What a recommendation shows of its query and of the model, for whoever watches them: drift
detection and shadow models. They work off the request's path; a request only hands over references.
"""

from dataclasses import dataclass
from math import nan
from typing import TYPE_CHECKING, Protocol

import numpy as np

from app.recommend.types import DENSE, Floats, Probe, Query, Ranking, Recommendation, Scored

if TYPE_CHECKING:
    from app.recommend.serving_model import ServingModel

NUMBERS = ("query_length", "oov_ratio", "top_score", "margin", "similarity", "relevance")
"""The numeric features of an observation, in the order of its `numbers`."""


@dataclass(frozen=True, slots=True, eq=False)
class Observation:
    """One answered query.

    `query`: a hash of its text, equal for equal texts in one process. `numbers`: one for each of
    NUMBERS; NaN if there is none. `category`: that of the first result. `vector` (d,): the query's,
    by the dense leg's model.
    """

    query: int
    numbers: tuple[float, ...]
    category: str
    vector: Floats


class Watcher(Protocol):
    """Watches answers and scores. Its methods return at once and do not raise."""

    def answered(self, model: "ServingModel", answer: Recommendation) -> None:
        """A typed query was answered, from the cache or not."""

    def scored(self, model: "ServingModel", scored: Scored) -> None:
        """A typed query's candidates were scored; the topic signal is not in the scores yet."""


class Unwatched:
    """Null implementation of `Watcher`."""

    def answered(self, model: "ServingModel", answer: Recommendation) -> None: ...

    def scored(self, model: "ServingModel", scored: Scored) -> None: ...


def observe(query: Query, probe: Probe, scored: Scored, ranking: Ranking) -> Observation:
    """Observe an answer. `scored`: without the topic signal, so that an outage is no drift.

    - query_length: characters; oov_ratio: fraction of terms that occur in no document
    - top_score, margin: the model's highest score, and its distance to the second
    - similarity: cosine of query and first result in the dense leg
    - relevance: the calibrated probability that the first result answers the query
    """
    scores, first = scored.scores, ranking.items[0] if ranking.items else None
    top = margin = 0.0
    if len(scores) > 1:
        second, highest = np.partition(scores, -2)[-2:].tolist()
        top, margin = highest, highest - second
    elif len(scores):
        top = float(scores[0])
    numbers = (
        float(len(query.text)),
        len(query.unknown) / len(query.terms) if query.terms else 0.0,
        top,
        margin,
        first.reason.legs[DENSE] if first else 0.0,
        ranking.relevance.probability if ranking.relevance else nan,
    )
    category = first.document.category if first else ""
    return Observation(hash(query.text), numbers, category, probe.dense)
