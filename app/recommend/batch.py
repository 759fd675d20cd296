"""Recommendations for many queries at once: encoded together, then answered one by one.

The answers are those of `pipeline.Recommender` without the topic signal: a batch does not send a
hundred calls to Wikipedia. They are neither taken from the cache nor put into it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.recommend.answering import Answerer
from app.recommend.index import DEPTH, Index, LiveIndex
from app.recommend.observation import Unwatched, Watcher
from app.recommend.query import analyze
from app.recommend.serving_model import LiveModel, ServingModel
from app.recommend.stages import ANSWER_ITEM, ENCODE_QUERIES, StageObserver, Unobserved
from app.recommend.topic_signal import Evidence, Outcome
from app.recommend.types import Probe, Query, Recommendation, Request


class NotResumable(ValueError):
    """The output of a batch is not the beginning of this run; the message says what it is."""


class RowOutcome(StrEnum):
    """What became of a row of a batch."""

    PROCESSED = "processed"
    DROPPED = "dropped"
    """It is valid, but nothing can be recommended for it."""
    QUARANTINED = "quarantined"
    """It has to be corrected."""


class RowReason(StrEnum):
    """Why a row was not processed."""

    NOT_SEARCHABLE = "not-searchable"
    MALFORMED = "malformed"
    INVALID = "invalid"
    FAILED = "failed"


OUTCOMES: Mapping[RowReason, RowOutcome] = {
    RowReason.NOT_SEARCHABLE: RowOutcome.DROPPED,
    RowReason.MALFORMED: RowOutcome.QUARANTINED,
    RowReason.INVALID: RowOutcome.QUARANTINED,
    RowReason.FAILED: RowOutcome.QUARANTINED,
}


@dataclass(frozen=True, slots=True)
class Item:
    """A request of a batch, and the W3C traceparent of its caller, or an empty text."""

    request: Request
    caller: str = ""


@dataclass(frozen=True, slots=True)
class AnsweredItem:
    """The recommendation for an item, and the traceparent of its caller."""

    recommendation: Recommendation
    caller: str


@dataclass(frozen=True, slots=True)
class EncodedQueries:
    """The number of queries that were encoded at once."""

    count: int


@dataclass(frozen=True, slots=True)
class BatchCounts:
    """Rows of a batch by reason; None: processed. `callers`: their traceparents, to link to."""

    rows: Mapping[RowReason | None, int]
    callers: Sequence[str] = ()

    @property
    def outcomes(self) -> dict[RowOutcome, int]:
        found = dict.fromkeys(RowOutcome, 0)
        for reason, count in self.rows.items():
            found[RowOutcome.PROCESSED if reason is None else OUTCOMES[reason]] += count
        return found


@dataclass(frozen=True, slots=True)
class BatchRun:
    """What a run over a file has done: all rows of its output, how many of them were there before
    it, and the new ones."""

    total: BatchCounts
    resumed_after: int
    new: BatchCounts


View = tuple[Index, ServingModel]


class BatchRecommender:
    """Answers many requests in the caller's thread. One view of the catalogue and one version of
    the model answer all of them."""

    def __init__(
        self,
        index: LiveIndex,
        model: LiveModel,
        stages: StageObserver,
        watcher: Watcher = Unwatched(),  # noqa: B008 - it has no state
    ) -> None:
        self._index, self._model, self._stages, self._watcher = index, model, stages, watcher

    def view(self) -> View:
        """The catalogue and the model as they are now."""
        return self._index.now(), self._model.now()

    def recommend(
        self, items: Sequence[Item], view: View | None = None
    ) -> list[Recommendation | Exception]:
        """The recommendation for each item, in their order, or what kept it from being made: a
        failure of one item does not affect the others. NoSearchableWords: it has no words."""
        index, model = view or self.view()
        answers: list[Recommendation | Exception] = []
        queries: list[Query | Exception] = []
        for item in items:
            try:
                queries.append(analyze(item.request.text, index))
            except Exception as error:  # noqa: BLE001 - it is this item's result
                queries.append(error)
        usable = [each for each in queries if isinstance(each, Query)]
        with self._stages.observe(ENCODE_QUERIES) as stage:
            probes = iter(index.probes(usable))
            stage.result = EncodedQueries(len(usable))
        for item, query in zip(items, queries, strict=True):
            if isinstance(query, Exception):
                answers.append(query)
                continue
            probe = next(probes)
            try:
                with self._stages.observe(ANSWER_ITEM) as stage:
                    answer = self._answer(index, model, query, probe, item.request)
                    stage.result = AnsweredItem(answer, item.caller)
                answers.append(answer)
            except Exception as error:  # noqa: BLE001 - it is this item's result
                answers.append(error)
        return answers

    def _answer(
        self, index: Index, model: ServingModel, query: Query, probe: Probe, request: Request
    ) -> Recommendation:
        candidates = index.retrieve(probe, DEPTH, request.categories)
        answerer = Answerer(index, model, Unobserved(), self._watcher)  # the item is the stage
        answer = answerer.answer(query, candidates, Evidence(Outcome.OFF), request.limit, probe)
        if not request.categories:
            self._watcher.answered(model, answer)
        return answer
