"""Watches the serving model: hands answers to drift detection and scores to the shadow."""

from types import TracebackType
from typing import Self

from app.model.drift import DriftReport
from app.model.drift_monitor import DriftMonitor
from app.model.live_model import LiveModel
from app.model.online_monitor import OnlineMonitor
from app.model.shadow import ShadowScorer
from app.model.student_watch import StudentWatch
from app.recommend.serving_model import ServingModel
from app.recommend.types import Recommendation, Scored


class Watch:
    """Implements `Watcher`. Its threads run in the block of its context."""

    def __init__(
        self,
        model: LiveModel,
        drift: DriftMonitor | None,
        shadow: ShadowScorer | None,
        online: OnlineMonitor | None,
        student: StudentWatch | None = None,
    ) -> None:
        """`drift`, `shadow`, `online`, `student`: None turns it off."""
        self._model, self.drift, self.shadow, self.online = model, drift, shadow, online
        self.student = student

    def __enter__(self) -> Self:
        for each in (self.drift, self.shadow, self.online, self.student):
            if each is not None:
                each.start()
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        for each in (self.drift, self.shadow, self.online, self.student):
            if each is not None:
                each.close()

    def drift_reports(self) -> list[DriftReport]:
        """The latest evaluation of the champion, and of the challenger if it answers too."""
        if self.drift is None:
            return []
        current = (self._model.now(), self._model.challenger)
        found = (self.drift.report(each) for each in current if each is not None)
        return [each for each in found if each is not None]

    def answered(self, model: ServingModel, answer: Recommendation) -> None:
        if (observation := answer.observation) is None:
            return
        if self.drift is not None:
            self.drift.offer(model, observation)
        if self.student is not None:
            self.student.answered(answer.query, observation.vector)

    def scored(self, model: ServingModel, scored: Scored) -> None:
        challenger = self._model.challenger
        if self.shadow is not None and challenger is not None and challenger is not model:
            self.shadow.scored(scored, challenger)
