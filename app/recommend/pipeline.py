"""The pipeline: request -> query -> candidates -> scores -> ranking -> recommendation."""

from asyncio import to_thread
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from app.recommend.answer_cache import AnswerCache, PastAnswers
from app.recommend.fusion import with_topic
from app.recommend.index import Index, LiveIndex
from app.recommend.query import analyze
from app.recommend.ranking import rank
from app.recommend.serving_model import LiveModel, ServingModel
from app.recommend.stages import ANALYZE, RANK, RETRIEVE, SCORE, StageObserver
from app.recommend.topic_signal import Evidence, Outcome, TopicSignal, match
from app.recommend.types import Candidates, Probe, Query, Recommendation, Request

DEPTH = 50
"""Number of candidates per leg."""


class Recommender:
    """Makes recommendations. Needs a running event loop; blocking work runs in a thread."""

    def __init__(
        self,
        index: LiveIndex,
        model: LiveModel,
        topic_signal: TopicSignal,
        answers: AnswerCache,
        stages: StageObserver,
    ) -> None:
        self._index, self._model, self._topic_signal = index, model, topic_signal
        self._answers, self._stages = answers, stages
        self._past = PastAnswers()

    async def recommend(self, request: Request) -> Recommendation:
        """The best documents for a text. Raises NoSearchableWords."""
        index, model = self._index.now(), self._model.now()
        with self._stages.observe(ANALYZE) as stage:
            query = stage.result = analyze(request.text, index)
        topic = self._topic_signal.begin(query)
        if topic.done():
            cached = self._answers.get(request, index, model, topic.result())
            if cached is not None:
                return cached
        probe = partial(index.probe, query)
        retrieve = partial(self._retrieve, index, probe, request.categories)
        inline = topic.done() and index.quick  # there is nothing to overlap with
        candidates = retrieve() if inline else await to_thread(retrieve)
        evidence = await topic
        answer = self._answer(index, model, query, candidates, evidence, request.limit, typed=True)
        suspect = ("results",) if self._past.is_suspect(request, answer) else ()
        answer = replace(answer, cached=False, degraded=answer.degraded + suspect)
        if index is self._index.now() and model is self._model.now():
            self._answers.put(request, index, model, evidence, answer)
        return answer

    async def similar(self, document_id: str, limit: int) -> Recommendation | None:
        """The documents most similar to another one; None if there is no such document."""
        index, model = self._index.now(), self._model.now()
        if (like := index.probe_like(document_id)) is None:
            return None
        query, probe = like
        candidates = await to_thread(self._retrieve, index, lambda: probe, frozenset[str]())
        off = Evidence(Outcome.OFF)
        return self._answer(index, model, query, candidates, off, limit, typed=False)

    def _retrieve(
        self, index: Index, probe: Callable[[], Probe], categories: frozenset[str]
    ) -> Candidates:
        """Embed the query and retrieve; `probe` returns the terms and vectors."""
        with self._stages.observe(RETRIEVE) as stage:
            candidates = stage.result = index.retrieve(probe(), DEPTH, categories)
        return candidates

    def _answer(  # noqa: PLR0913 - everything that an answer is made of
        self,
        index: Index,
        model: ServingModel,
        query: Query,
        candidates: Candidates,
        evidence: Evidence,
        limit: int,
        *,
        typed: bool,
    ) -> Recommendation:
        """Score and rank. Relevance is calibrated for typed queries only."""
        with self._stages.observe(SCORE) as stage:
            scored = model.model.score(candidates)
            signal, pages = match(evidence, candidates)
            if evidence.pages:
                scored = with_topic(scored, signal)
            stage.result = scored
        with self._stages.observe(RANK) as stage:
            calibrator = model.calibrators.get(scored.model.name) if typed else None
            ranking = rank(scored, query, evidence.named(pages), index, limit, calibrator)
            stage.result = ranking
        missing = {"topic_signal": evidence.outcome.degraded, "ranking_model": scored.failure}
        degraded = tuple(part for part, failed in missing.items() if failed)
        return Recommendation(query, ranking, scored.model, degraded)
