"""The whole way through: request -> query -> candidates -> scores -> ranking -> recommendation."""

from app.recommend.fusion import with_topic
from app.recommend.query import analyze
from app.recommend.ranking import RankingModel, rank
from app.recommend.stages import ANALYZE, RANK, RETRIEVE, SCORE, StageObserver
from app.recommend.topic_signal import Evidence, NoTopicSignal, TopicSignal, match
from app.recommend.types import Candidates, Index, Query, Recommendation, Request

DEPTH = 50
"""How many documents each leg nominates."""


class Recommender:
    """Answers requests. Blocks while it computes and while it waits for the topic signal."""

    def __init__(
        self, index: Index, model: RankingModel, topic_signal: TopicSignal, stages: StageObserver
    ) -> None:
        self._index, self._model = index, model
        self._topic_signal, self._stages = topic_signal, stages

    def recommend(self, request: Request) -> Recommendation:
        """The documents that answer a text best. Raises NoSearchableWords."""
        with self._stages.observe(ANALYZE) as stage:
            query = stage.result = analyze(request.text, self._index.vocabulary)
        pending = self._topic_signal.begin(query)  # runs while we retrieve
        with self._stages.observe(RETRIEVE) as stage:
            probe = self._index.probe(query)
            candidates = self._index.retrieve(probe, DEPTH, request.categories)
            stage.result = candidates
        return self._answer(query, candidates, pending.result(), request.limit)

    def similar(self, document_id: str, limit: int) -> Recommendation | None:
        """The documents most like another one; None if there is no such document."""
        with self._stages.observe(RETRIEVE) as stage:
            if (like := self._index.probe_like(document_id)) is None:
                return None
            query, probe = like
            candidates = stage.result = self._index.retrieve(probe, DEPTH, frozenset())
        return self._answer(query, candidates, NoTopicSignal().begin(query).result(), limit)

    def _answer(
        self, query: Query, candidates: Candidates, evidence: Evidence, limit: int
    ) -> Recommendation:
        with self._stages.observe(SCORE) as stage:
            scored = self._model.score(candidates)
            signal, pages = match(evidence, candidates)
            if evidence.pages:
                scored = with_topic(scored, signal)
            stage.result = scored
        with self._stages.observe(RANK) as stage:
            ranking = rank(scored, query, evidence, pages, self._index, limit)
            stage.result = ranking
        missing = {"topic_signal": evidence.outcome.degraded, "ranking_model": scored.fallback}
        degraded = tuple(part for part, failed in missing.items() if failed)
        return Recommendation(query, ranking, scored.model, degraded)
