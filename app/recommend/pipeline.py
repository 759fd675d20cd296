"""The pipeline: request -> query -> candidates -> scores -> ranking -> recommendation."""

from asyncio import to_thread
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from app.recommend.answer_cache import AnswerCache, PastAnswers
from app.recommend.answering import Answerer
from app.recommend.index import DEPTH, Index, LiveIndex
from app.recommend.observation import Unwatched, Watcher
from app.recommend.query import analyze
from app.recommend.serving_model import LiveModel, ServingModel
from app.recommend.stages import ANALYZE, RETRIEVE, StageObserver
from app.recommend.topic_signal import Evidence, Outcome, TopicSignal
from app.recommend.types import Candidates, Probe, Recommendation, Request


class Recommender:
    """Makes recommendations. Needs a running event loop; blocking work runs in a thread."""

    def __init__(
        self,
        index: LiveIndex,
        model: LiveModel,
        topic_signal: TopicSignal,
        answers: AnswerCache,
        stages: StageObserver,
        watcher: Watcher = Unwatched(),  # noqa: B008 - it has no state
    ) -> None:
        self._index, self._model, self._topic_signal = index, model, topic_signal
        self._answers, self._stages, self._watcher = answers, stages, watcher
        self._past = PastAnswers()

    async def recommend(self, request: Request, by: LiveModel | None = None) -> Recommendation:
        """The best documents for a text; `by`: a model besides the usual one.

        Raises NoSearchableWords.
        """
        live = by or self._model
        index, model = self._index.now(), live.now()
        answer = await self._recommend(request, index, model, live)
        if not request.categories:  # a filter decides what its answers look like
            self._watcher.answered(model, answer)
        return answer

    async def _recommend(
        self, request: Request, index: Index, model: ServingModel, live: LiveModel
    ) -> Recommendation:
        with self._stages.observe(ANALYZE) as stage:
            query = stage.result = analyze(request.text, index)
        topic = self._topic_signal.begin(query)
        if topic.done():
            cached = self._answers.get(request, index, model, topic.result())
            if cached is not None:
                return cached
        probe_of = partial(index.probe, query)
        retrieve = partial(self._retrieve, index, probe_of, request.categories)
        inline = topic.done() and index.quick  # there is nothing to overlap with
        probe, candidates = retrieve() if inline else await to_thread(retrieve)
        evidence = await topic
        answerer = Answerer(index, model, self._stages, self._watcher)
        answer = answerer.answer(query, candidates, evidence, request.limit, probe)
        suspect = ("results",) if self._past.is_suspect(request, answer) else ()
        answer = replace(answer, cached=False, degraded=answer.degraded + suspect)
        if index is self._index.now() and model is live.now():
            self._answers.put(request, index, model, evidence, answer)
        return answer

    async def similar(self, document_id: str, limit: int) -> Recommendation | None:
        """The documents most similar to another one; None if there is no such document."""
        index, model = self._index.now(), self._model.now()
        if (like := index.probe_like(document_id)) is None:
            return None
        query, probe = like
        _, candidates = await to_thread(self._retrieve, index, lambda: probe, frozenset[str]())
        answerer = Answerer(index, model, self._stages, self._watcher)
        return answerer.answer(query, candidates, Evidence(Outcome.OFF), limit)

    def _retrieve(
        self, index: Index, probe: Callable[[], Probe], categories: frozenset[str]
    ) -> tuple[Probe, Candidates]:
        """Embed the query and retrieve; `probe` returns the terms and vectors."""
        with self._stages.observe(RETRIEVE) as stage:
            made = probe()
            candidates = stage.result = index.retrieve(made, DEPTH, categories)
        return made, candidates
