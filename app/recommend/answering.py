"""Candidates -> scores -> ranking: the second half of an answer, of one request and of a batch."""

from dataclasses import dataclass

from app.recommend.fusion import with_topic
from app.recommend.index import Index
from app.recommend.observation import Watcher, observe
from app.recommend.ranking import rank
from app.recommend.serving_model import ServingModel
from app.recommend.stages import RANK, SCORE, StageObserver
from app.recommend.topic_signal import Evidence, match
from app.recommend.types import Candidates, Probe, Query, Recommendation


@dataclass(frozen=True, slots=True)
class Answerer:
    """Scores and ranks with one view of the catalogue and one version of the model."""

    index: Index
    model: ServingModel
    stages: StageObserver
    watcher: Watcher

    def answer(
        self,
        query: Query,
        candidates: Candidates,
        evidence: Evidence,
        limit: int,
        probe: Probe | None = None,
    ) -> Recommendation:
        """The best `limit` candidates. `probe`: of a typed query; only these are calibrated and
        watched."""
        with self.stages.observe(SCORE) as stage:
            scored = plain = self.model.model.score(candidates)
            signal, pages = match(evidence, candidates)
            if evidence.pages:
                scored = with_topic(scored, signal)
            stage.result = scored
        with self.stages.observe(RANK) as stage:
            calibrator = self.model.calibrators.get(scored.model.name) if probe else None
            named = evidence.named(pages)
            ranking = stage.result = rank(scored, query, named, self.index, limit, calibrator)
        missing = {"topic_signal": evidence.outcome.degraded, "ranking_model": scored.failure}
        degraded = tuple(part for part, failed in missing.items() if failed)
        observation = None
        if probe is not None and scored.failure is None:
            observation = observe(query, probe, plain, ranking)
            self.watcher.scored(self.model, plain)
        return Recommendation(query, ranking, scored.model, degraded, observation=observation)
