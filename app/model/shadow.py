"""Shadow: the challenger scores the candidates that the champion has answered with.

It runs in a thread of its own, for a share of the requests, which do not wait for it. When the
queue is full, a comparison is dropped and counted.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from app.model.sampled_work import SampledWork
from app.recommend.ranking import order
from app.recommend.serving_model import ServingModel
from app.recommend.stages import COMPARE_SHADOW, StageObserver
from app.recommend.types import ModelCard, Scored

CUT = 10


@dataclass(frozen=True, slots=True)
class ShadowComparison:
    """Two versions' scores of the same candidates; all measures are in [0, 1].

    `overlap`: fraction of the first ten that both have. `concordance`: fraction of the pairs in
    either first ten that both order alike, ties as one half; Kendall's tau is twice that minus 1.
    `score_shift`: mean absolute difference of the scores. They are None if the challenger failed.
    `trace`: W3C traceparent of the request.
    """

    champion: ModelCard
    challenger: ModelCard
    overlap: float | None = None
    concordance: float | None = None
    score_shift: float | None = None
    failure: Exception | None = None
    trace: str = ""


def compare(champion: Scored, challenger: ServingModel, trace: str = "") -> ShadowComparison:
    """Let the challenger score the champion's candidates. Does not raise."""
    cards = champion.model, challenger.card
    try:
        shadow = challenger.model.score(champion.candidates)
        failure = shadow.failure
        if failure is None and not np.isfinite(shadow.scores).all():
            failure = FloatingPointError("a score is not a number")
    except Exception as error:  # noqa: BLE001 - it is what is watched for
        failure = error
    if failure is not None:
        return ShadowComparison(*cards, failure=failure, trace=trace)
    if not len(champion.candidates):
        return ShadowComparison(*cards, 1.0, 1.0, 0.0, trace=trace)
    first, other = order(champion)[:CUT], order(shadow)[:CUT]
    shared = len(np.intersect1d(first, other, assume_unique=True))
    either = np.union1d(first, other)
    return ShadowComparison(
        *cards,
        overlap=shared / len(first),
        concordance=_concordance(champion.scores[either], shadow.scores[either]),
        score_shift=float(np.abs(champion.scores - shadow.scores).mean()),
        trace=trace,
    )


def _concordance(one: np.ndarray, other: np.ndarray) -> float:
    """The fraction of pairs that two lists of scores (n,) order alike; 1 without pairs."""
    upper = np.triu_indices(len(one), 1)
    signs = [np.sign(each[:, None] - each)[upper] for each in (one, other)]
    return float((signs[0] * signs[1] + 1).mean() / 2) if len(upper[0]) else 1.0


class ShadowScorer(SampledWork[tuple[Scored, ServingModel, str]]):
    """Compares champion and challenger for a `share` of the requests.

    `trace`: the W3C traceparent of the current request.
    """

    def __init__(
        self, share: float, stages: StageObserver, trace: Callable[[], str] = lambda: ""
    ) -> None:
        super().__init__("shadow", share, self._compare)
        self._stages, self._trace = stages, trace

    def scored(self, scored: Scored, challenger: ServingModel) -> None:
        """Compare soon, if it is this request's turn. Returns at once."""
        self.offer(lambda: (scored, challenger, self._trace()))

    def _compare(self, item: tuple[Scored, ServingModel, str]) -> None:
        with self._stages.observe(COMPARE_SHADOW) as stage:
            stage.result = compare(*item)
