"""What telemetry says about each result of the service: the only place where that is listed.

`facts(stage)` turns a finished stage into attributes, events and measurements, by the type of its
result.
"""

from asyncio import CancelledError
from collections.abc import Callable, Mapping
from typing import Any

import httpx
from opentelemetry.semconv.attributes.error_attributes import ERROR_TYPE
from purgatory.domain.model import OpenedState

from app.catalogue.feedback_journal import NotRecommended, RecordedFeedback, UnknownRecommendation
from app.catalogue.importer import Batch
from app.recommend.query import NoSearchableWords
from app.recommend.ranking import ArtefactRefused
from app.recommend.stages import FEEDBACK, RECOMMEND
from app.recommend.topic_signal import Evidence, Outcome
from app.recommend.types import Candidates, Query, Ranking, Recommendation, Request, Scored
from app.telemetry import vocabulary as v
from app.telemetry.kit.facts import Facts, Failures, FinishedStage, Measurement, class_name
from app.telemetry.kit.vocabulary import Attributes
from app.wikipedia.client import SearchFailed, SearchRefused

OF_THE_REQUEST = (RECOMMEND, FEEDBACK)
"""Stages that are the whole work of a request."""
EDGES = (20, 50, 100, 200, 500)
DECIMALS = 4


def error_type(error: BaseException) -> str:
    """The status that Wikipedia answered with, or the name of the exception's class."""
    return str(error.status) if isinstance(error, SearchRefused) else class_name(error)


FAILURES = Failures(
    callers=(NoSearchableWords, UnknownRecommendation, NotRecommended),
    foreseen=(
        SearchFailed, TimeoutError, CancelledError, OpenedState, ArtefactRefused, httpx.HTTPError,
    ),
    name=error_type,
)  # fmt: skip


def typed(subject: object) -> str | None:
    """The text that a person typed."""
    return subject.text if isinstance(subject, Request) else None


def facts(stage: FinishedStage) -> Facts:
    """Everything that telemetry says about the result of a stage."""
    result = stage.result
    if result is None and stage.name == RECOMMEND:
        return _failed(stage)
    known = FACTS.get(type(result))
    return Facts() if known is None else known(result, stage)


def _failed(stage: FinishedStage) -> Facts:
    if (kind := FAILURES.error_type(stage.error)) is None:
        return Facts(own_duration=True)
    failed = Measurement(v.RECOMMEND_DURATION, stage.seconds, {ERROR_TYPE: kind})
    return Facts(measurements=(failed,), own_duration=True)


def _query(query: Query, _: FinishedStage) -> Facts:
    return Facts(_of_query(query), private={v.QUERY_TEXT: query.text})


def _of_query(query: Query) -> Attributes:
    return {
        v.TERM_COUNT: len(query.terms),
        v.LENGTH_BUCKET: length_bucket(len(query.text)),
        v.OOV_RATIO: oov_ratio(query),
        v.CORRECTED: len(query.corrections),
    }


def _candidates(candidates: Candidates, _: FinishedStage) -> Facts:
    return Facts({v.CANDIDATES: len(candidates)})


def _evidence(evidence: Evidence, _: FinishedStage) -> Facts:
    outcome, hit = evidence.outcome, evidence.outcome is Outcome.CACHED
    asked = {v.TOPIC_OUTCOME: outcome.value, ERROR_TYPE: FAILURES.error_type(evidence.failure)}
    looked_up: Attributes = {v.CACHE: "topic_signal", v.CACHE_OUTCOME: "hit" if hit else "miss"}
    return Facts(
        {v.TOPIC_OUTCOME: outcome.value, v.TOPIC_PAGES: len(evidence.pages)},
        events=() if outcome in (Outcome.CACHED, Outcome.OFF) else (v.CACHE_MISS,),
        measurements=(
            Measurement(v.TOPIC_REQUESTS, 1, asked),
            Measurement(v.CACHE_REQUESTS, 1, looked_up),
        ),
        failure=evidence.failure,
    )


def _scored(scored: Scored, _: FinishedStage) -> Facts:
    return Facts(
        {v.MODEL_NAME: scored.model.name, v.MODEL_VERSION: scored.model.version},
        events=() if scored.failure is None else (v.FALLBACK_INVOKED,),
        failure=scored.failure,
    )


def _ranking(ranking: Ranking, _: FinishedStage) -> Facts:
    return Facts(_of_ranking(ranking))


def _of_ranking(ranking: Ranking) -> Attributes:
    attributes: Attributes = {v.RESULTS: len(ranking.items)}
    if ranking.items:
        top = ranking.items[0].score
        tenth = v.TENTHS[min(int(top * 10), 9)]
        attributes |= {v.SCORE_TOP: round(top, DECIMALS), v.SCORE_BUCKET: tenth}
    if len(ranking.items) > 1:
        margin = ranking.items[0].score - ranking.items[1].score
        attributes[v.SCORE_MARGIN] = round(margin, DECIMALS)
    return attributes


def _recommendation(made: Recommendation, stage: FinishedStage) -> Facts:
    """For the request's own span: what one filters by."""
    model: Attributes = {v.MODEL_NAME: made.model.name, v.MODEL_VERSION: made.model.version}
    degraded = bool(made.degraded)
    attributes: Attributes = {**model, v.DEGRADED: degraded}
    measurements = [
        Measurement(v.RECOMMEND_DURATION, stage.seconds, {v.DEGRADED: degraded}),
        Measurement(v.RECOMMENDATIONS, 1, attributes),
    ]
    if made.cached is not None:  # a person typed a query
        cache = "hit" if made.cached else "miss"
        looked_up: Attributes = {v.CACHE: "answers", v.CACHE_OUTCOME: cache}
        measurements.append(Measurement(v.CACHE_REQUESTS, 1, looked_up))
        measurements.append(Measurement(v.QUERY_OOV, oov_ratio(made.query)))
        attributes = {**attributes, v.CACHE_OUTCOME: cache}
    if made.degraded:
        attributes = {**attributes, v.MISSING: made.degraded}
    if made.ranking.items:
        measurements.append(Measurement(v.TOP_SCORE, made.ranking.items[0].score, model))
    return Facts(
        attributes,
        events=(v.CACHE_MISS,) if made.cached is False else (),
        measurements=tuple(measurements),
        wide=_of_kept(made) if made.cached else {},
        degraded=degraded,
        wide_event=v.SERVED,
        own_duration=stage.name == RECOMMEND,
    )


def _of_kept(made: Recommendation) -> Attributes:
    """What the stages would have said, for an answer that was made earlier."""
    return {
        **_of_query(made.query),
        **_of_ranking(made.ranking),
        v.CANDIDATES: made.ranking.considered,
    }


def _feedback_recorded(noted: RecordedFeedback, _: FinishedStage) -> Facts:
    model: Attributes = {v.MODEL_NAME: noted.served.model, v.MODEL_VERSION: noted.served.version}
    kind: Attributes = {v.FEEDBACK_KIND: noted.kind.value, v.RANK_BUCKET: rank_bucket(noted.rank)}
    counted = () if noted.repeated else (Measurement(v.FEEDBACK, 1, {**kind, **model}),)
    return Facts(
        {**kind, **model, v.REPEATED: noted.repeated, v.RECOMMENDATION_ID: noted.served.id},
        measurements=counted,
        link=noted.served.trace,
    )


def _batch(batch: Batch, _: FinishedStage) -> Facts:
    counts: Attributes = {v.OUTCOME_COUNTS[name]: count for name, count in batch.counts.items()}
    size = sum(batch.counts.values())
    written = tuple(
        Measurement(v.DOCUMENTS_WRITTEN, count, {v.DOCUMENT_OUTCOME: outcome})
        for outcome, count in batch.counts.items()
    )
    return Facts(
        {v.BATCH_SIZE: size, **counts},
        measurements=(Measurement(v.BATCHES, size), *written),
        summed=True,
    )


FACTS: Mapping[type, Callable[[Any, FinishedStage], Facts]] = {
    Query: _query,
    Candidates: _candidates,
    Evidence: _evidence,
    Scored: _scored,
    Ranking: _ranking,
    Recommendation: _recommendation,
    RecordedFeedback: _feedback_recorded,
    Batch: _batch,
}


def oov_ratio(query: Query) -> float:
    """The share of its terms that occur in no document; 0 where there is no term."""
    return round(query.unknown / len(query.terms), DECIMALS) if query.terms else 0.0


def length_bucket(characters: int) -> str:
    """Which of LENGTHS."""
    return v.LENGTHS[sum(characters > edge for edge in EDGES)]


def rank_bucket(rank: int) -> str:
    """Which of RANKS."""
    return v.RANKS[sum(rank > edge for edge in (1, 3, 10))]
