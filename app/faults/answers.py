"""Faults of the cache of answers."""

import time

from app.faults.switchboard import Switchboard
from app.recommend.answer_cache import AnswerCache
from app.recommend.index import Index
from app.recommend.serving_model import ServingModel
from app.recommend.topic_signal import Evidence
from app.recommend.types import Recommendation, Request


class FailingAnswers(AnswerCache):
    """Never hits, or expires everything at once, while a fault is on."""

    def __init__(self, most_bytes: int, switchboard: Switchboard) -> None:
        super().__init__(most_bytes)
        self._switchboard, self._cleared = switchboard, 0.0

    def get(
        self, request: Request, index: Index, model: ServingModel, evidence: Evidence
    ) -> Recommendation | None:
        __tracebackhide__ = True
        if self._switchboard.hit("cache-off"):
            return None
        active, now = self._switchboard.active("cache-stampede"), time.monotonic()
        if active is not None and now - self._cleared >= active.delay:
            self.clear()
            self._cleared = now
        return super().get(request, index, model, evidence)
