"""Derives telemetry from results: the only place that lists what is emitted for each result.

`facts(stage)` converts a finished stage to attributes, events and measurements, by the type of its
result.
"""

from asyncio import CancelledError
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

import httpx
from opentelemetry.semconv.attributes.error_attributes import ERROR_TYPE
from purgatory.domain.model import OpenedState

from app.catalogue.database import Transaction
from app.catalogue.feedback_journal import (
    Flushed,
    NotRecommended,
    RecordedFeedback,
    UnknownRecommendation,
)
from app.catalogue.importer import Batch
from app.catalogue.importers.row import Unreadable
from app.catalogue.index_changes import Refreshed
from app.model.distillation import Sample
from app.model.drift import DriftReport
from app.model.evaluation import CANDIDATE, Evaluation
from app.model.gate import Verdict
from app.model.judgement_files import Judgements, JudgementsUnreadable
from app.model.judgements import ValidJudgements
from app.model.online_metric import OnlineReport
from app.model.promotion import GateRefused
from app.model.registry import NoPreviousVersion, UnknownVersion
from app.model.registry_records import Change
from app.model.shadow import ShadowComparison
from app.model.student_watch import StudentComparison
from app.model.training import CannotTrain, Fitted, Training, TrainingSet
from app.recommend.artefact import ArtefactRefused
from app.recommend.batch import (
    OUTCOMES,
    AnsweredItem,
    BatchCounts,
    BatchRun,
    EncodedQueries,
    NotResumable,
)
from app.recommend.batch import RowOutcome as BatchOutcome
from app.recommend.query import NoSearchableWords
from app.recommend.serving_model import ServingModel
from app.recommend.stages import FEEDBACK, RECOMMEND, RECOMMEND_BATCH
from app.recommend.student import StudentModel
from app.recommend.topic_signal import Evidence, Outcome
from app.recommend.types import (
    TOPIC,
    Candidates,
    Query,
    Ranking,
    Recommendation,
    Request,
    Scored,
)
from app.telemetry import vocabulary as v
from app.telemetry.kit.facts import Facts, Failures, FinishedStage, Measurement, class_name
from app.telemetry.kit.vocabulary import Attributes
from app.wikipedia.client import SearchFailed, SearchRefused

REQUEST_STAGES = (RECOMMEND, RECOMMEND_BATCH, FEEDBACK)
"""Stages that do the complete work of a request; the request's span represents them."""
EDGES = (20, 50, 100, 200, 500)
DECIMALS = 4


def error_type(error: BaseException) -> str:
    """The status of Wikipedia's response, or the name of the exception's class."""
    return str(error.status) if isinstance(error, SearchRefused) else class_name(error)


FAILURES = Failures(
    callers=(
        NoSearchableWords, UnknownRecommendation, NotRecommended, UnknownVersion,
        NoPreviousVersion, GateRefused, CannotTrain, JudgementsUnreadable, NotResumable, Unreadable,
    ),
    foreseen=(
        SearchFailed, TimeoutError, CancelledError, OpenedState, ArtefactRefused, httpx.HTTPError,
    ),
    name=error_type,
)  # fmt: skip


def user_text(subject: object) -> str | None:
    """The text that a user typed; None for other subjects."""
    return subject.text if isinstance(subject, Request) else None


def facts(stage: FinishedStage) -> Facts:
    """Everything that is emitted for the result of a stage."""
    result = stage.result
    if result is None and stage.name == RECOMMEND:
        return _failed(stage)
    if result is None and stage.name == FEEDBACK:
        return _feedback_refused(stage)
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
    request = {v.TOPIC_OUTCOME: outcome.value, ERROR_TYPE: FAILURES.error_type(evidence.failure)}
    lookup: Attributes = {v.CACHE: "topic_signal", v.CACHE_OUTCOME: "hit" if hit else "miss"}
    return Facts(
        {v.TOPIC_OUTCOME: outcome.value, v.TOPIC_PAGES: len(evidence.pages)},
        events=() if outcome in (Outcome.CACHED, Outcome.OFF) else (v.CACHE_MISS,),
        measurements=(
            Measurement(v.TOPIC_REQUESTS, 1, request),
            Measurement(v.CACHE_REQUESTS, 1, lookup),
        ),
        failure=evidence.failure,
    )


def _scored(scored: Scored, _: FinishedStage) -> Facts:
    about: Attributes = {
        v.MODEL_NAME: scored.model.name,
        v.MODEL_VERSION: scored.model.version,
        v.WEIGHTS: weights(tuple(scored.weights.items())),
    }
    if scored.weights.get(TOPIC) and len(scored.candidates):
        about[v.TOPIC_STRENGTH] = round(float(scored.legs[:, -1].max()), DECIMALS)
    return Facts(
        about,
        events=() if scored.failure is None else (v.FALLBACK_INVOKED,),
        failure=scored.failure,
    )


def _ranking(ranking: Ranking, _: FinishedStage) -> Facts:
    return Facts(_of_ranking(ranking), hashed=_of_first(ranking))


def _of_first(ranking: Ranking) -> dict[str, str | tuple[str, ...]]:
    first = ranking.items[0].document.category if ranking.items else ""
    return {v.RESULT_CATEGORY: first} if first else {}


def _of_ranking(ranking: Ranking) -> Attributes:
    attributes: Attributes = {v.RESULTS: len(ranking.items)}
    if ranking.items:
        top = ranking.items[0].score
        tenth = v.TENTHS[min(int(top * 10), 9)]
        attributes |= {v.SCORE_TOP: round(top, DECIMALS), v.SCORE_BUCKET: tenth}
        reason = ranking.items[0].reason
        for leg, name in v.CONTRIBUTIONS.items():
            if reason.weights.get(leg):
                attributes[name] = round(reason.contributions[leg], DECIMALS)
    if len(ranking.items) > 1:
        margin = ranking.items[0].score - ranking.items[1].score
        attributes[v.SCORE_MARGIN] = round(margin, DECIMALS)
    if ranking.relevance is not None:
        attributes[v.RELEVANCE] = ranking.relevance.probability
        attributes[v.ANSWERED] = ranking.relevance.answered
    return attributes


def _recommendation(recommendation: Recommendation, stage: FinishedStage) -> Facts:
    """For the request's span: the attributes to filter by."""
    card = recommendation.model
    model: Attributes = {v.MODEL_NAME: card.name, v.MODEL_VERSION: card.version}
    degraded = bool(recommendation.degraded)
    attributes: Attributes = {**model, v.DEGRADED: degraded}
    measurements = [
        Measurement(v.RECOMMEND_DURATION, stage.seconds, attributes),
        *_counted(recommendation),
    ]
    if recommendation.cached is not None:  # a user typed a query
        cache = "hit" if recommendation.cached else "miss"
        lookup: Attributes = {v.CACHE: "answers", v.CACHE_OUTCOME: cache}
        measurements.append(Measurement(v.CACHE_REQUESTS, 1, lookup))
        measurements.append(Measurement(v.QUERY_OOV, oov_ratio(recommendation.query)))
        attributes = {**attributes, v.CACHE_OUTCOME: cache}
    if recommendation.degraded:
        attributes = {**attributes, v.MISSING: recommendation.degraded}
    if (relevance := recommendation.ranking.relevance) is not None:
        attributes = {**attributes, v.ANSWERED: relevance.answered}
    return Facts(
        attributes,
        events=(v.CACHE_MISS,) if recommendation.cached is False else (),
        measurements=tuple(measurements),
        wide=_of_cached(recommendation) if recommendation.cached else {},
        hashed=_of_first(recommendation.ranking) if recommendation.cached else {},
        degraded=degraded,
        wide_event=v.SERVED,
        own_duration=stage.name == RECOMMEND,
    )


def _counted(recommendation: Recommendation) -> Iterator[Measurement]:
    """What is measured of every recommendation, by version."""
    card, ranking = recommendation.model, recommendation.ranking
    model: Attributes = {v.MODEL_NAME: card.name, v.MODEL_VERSION: card.version}
    served: Attributes = {**model, v.DEGRADED: bool(recommendation.degraded)}
    yield Measurement(v.RECOMMENDATIONS, 1, served)
    if ranking.items:
        yield Measurement(v.TOP_SCORE, ranking.items[0].score, model)
    else:
        yield Measurement(v.EMPTY, 1, served)
    if (relevance := ranking.relevance) is not None:
        judged: Attributes = {v.ANSWERED: relevance.answered, **model}
        yield Measurement(v.FIRST_RELEVANCE, relevance.probability, judged)


def _encoded(encoded: EncodedQueries, _: FinishedStage) -> Facts:
    return Facts({v.BATCH_SIZE: encoded.count})


def _item_answered(item: AnsweredItem, _: FinishedStage) -> Facts:
    found = item.recommendation
    attributes: Attributes = {
        v.MODEL_NAME: found.model.name,
        v.MODEL_VERSION: found.model.version,
        v.DEGRADED: bool(found.degraded),
        v.RESULTS: len(found.ranking.items),
    }
    if found.ranking.items:
        attributes[v.SCORE_TOP] = round(found.ranking.items[0].score, DECIMALS)
    if (relevance := found.ranking.relevance) is not None:
        attributes[v.RELEVANCE] = relevance.probability
        attributes[v.ANSWERED] = relevance.answered
    oov = Measurement(v.QUERY_OOV, oov_ratio(found.query))
    return Facts(
        attributes,
        measurements=(*_counted(found), oov),
        degraded=bool(found.degraded),
        summed=True,
        links=(item.caller,),
    )


def _by_outcome(counts: BatchCounts) -> Attributes:
    outcomes = counts.outcomes
    by_name: Attributes = {v.BATCH_COUNTS[each]: count for each, count in outcomes.items()}
    return {v.BATCH_SIZE: sum(outcomes.values()), **by_name}


def _batch_run(run: BatchRun, _: FinishedStage) -> Facts:
    return Facts({**_by_outcome(run.new), v.RESUMED_AFTER: run.resumed_after})


def _batch_answered(counts: BatchCounts, _: FinishedStage) -> Facts:
    rows = []
    for reason, count in counts.rows.items():
        outcome = BatchOutcome.PROCESSED if reason is None else OUTCOMES[reason]
        why = None if reason is None else reason.value
        labels: dict[str, Any] = {v.BATCH_OUTCOME: outcome.value, v.BATCH_REASON: why}
        rows.append(Measurement(v.BATCH_ROWS, count, labels))
    return Facts(_by_outcome(counts), measurements=tuple(rows), links=tuple(counts.callers))


def _of_cached(recommendation: Recommendation) -> Attributes:
    """The attributes of the stages, which did not run for a cached recommendation."""
    return {
        **_of_query(recommendation.query),
        **_of_ranking(recommendation.ranking),
        v.CANDIDATES: recommendation.ranking.considered,
    }


def _feedback_recorded(feedback: RecordedFeedback, _: FinishedStage) -> Facts:
    served, rank = feedback.served, rank_bucket(feedback.rank)
    model: Attributes = {v.MODEL_NAME: served.model, v.MODEL_VERSION: served.version}
    kind: Attributes = {v.FEEDBACK_KIND: feedback.kind.value, v.RANK_BUCKET: rank}
    outcome: Attributes = {v.FEEDBACK_OUTCOME: "repeated" if feedback.repeated else "new"}
    received = Measurement(v.FEEDBACK_RECEIVED, 1, outcome)
    counted = () if feedback.repeated else (Measurement(v.FEEDBACK, 1, {**kind, **model}),)
    return Facts(
        {**kind, **model, v.REPEATED: feedback.repeated, v.RECOMMENDATION_ID: served.id},
        measurements=(received, *counted),
        links=(served.trace,),
    )


def _feedback_refused(stage: FinishedStage) -> Facts:
    outcomes = {
        UnknownRecommendation: "unknown_recommendation",
        NotRecommended: "not_recommended",
    }
    if (outcome := outcomes.get(type(stage.error))) is None:  # type: ignore[arg-type]
        return Facts()
    return Facts(measurements=(Measurement(v.FEEDBACK_RECEIVED, 1, {v.FEEDBACK_OUTCOME: outcome}),))


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


def _model_loaded(model: ServingModel, _: FinishedStage) -> Facts:
    return Facts({v.MODEL_NAME: model.card.name, v.MODEL_VERSION: model.card.version})


def _model_changed(change: Change, _: FinishedStage) -> Facts:
    return Facts(
        {
            v.MODEL_VERSION: change.version,
            v.MODEL_REPLACED: change.replaced,
            v.FORCED: change.forced,
        }
    )


def _transaction(transaction: Transaction, _: FinishedStage) -> Facts:
    return Facts({v.DATABASE: transaction.database})


def _flushed(flushed: Flushed, _: FinishedStage) -> Facts:
    return Facts({v.BATCH_SIZE: flushed.rows})


def _refreshed(refreshed: Refreshed, _: FinishedStage) -> Facts:
    by = "this_process" if refreshed.by_this_process else "another_process"
    counts = {each: getattr(refreshed, each) for each in v.CHANGE.values}
    about: Attributes = {v.CHANGED_BY: by}
    about |= {v.CHANGE_COUNTS[each]: count for each, count in counts.items()}
    return Facts(
        about,
        measurements=tuple(
            Measurement(v.CATALOGUE_CHANGES, count, {v.CHANGE: each, v.CHANGED_BY: by})
            for each, count in counts.items()
            if count
        ),
        hashed={v.CHANGED_CATEGORIES: tuple(refreshed.categories)} if refreshed.categories else {},
    )


def _shadow_compared(found: ShadowComparison, _: FinishedStage) -> Facts:
    models: Attributes = {
        v.MODEL_NAME: found.champion.name,
        v.MODEL_VERSION: found.champion.version,
        v.SHADOW_VERSION: found.challenger.version,
    }
    kind = FAILURES.error_type(found.failure)
    measured = {
        (v.SHADOW_OVERLAP, v.SHADOW_OVERLAPS): found.overlap,
        (v.SHADOW_CONCORDANCE, v.SHADOW_CONCORDANCES): found.concordance,
        (v.SHADOW_SHIFT, v.SHADOW_SHIFTS): found.score_shift,
    }
    known = {names: value for names, value in measured.items() if value is not None}
    return Facts(
        {**models, **{name: round(value, DECIMALS) for (name, _), value in known.items()}},
        measurements=(
            Measurement(v.SHADOW_COMPARISONS, 1, {**models, ERROR_TYPE: kind}),
            *(Measurement(metric, value, models) for (_, metric), value in known.items()),
        ),
        failure=found.failure,
        links=(found.trace,),
    )


def _student_compared(found: StudentComparison, _: FinishedStage) -> Facts:
    encoder: Attributes = {v.ENCODER_NAME: found.name, v.ENCODER_VERSION: found.hash}
    kind = FAILURES.error_type(found.failure)
    measured = {
        (v.STUDENT_COSINE, v.STUDENT_COSINES): found.cosine,
        (v.STUDENT_OVERLAP, v.STUDENT_OVERLAPS): found.overlap,
    }
    known = {names: value for names, value in measured.items() if value is not None}
    return Facts(
        {**encoder, **{name: round(value, DECIMALS) for (name, _), value in known.items()}},
        measurements=(
            Measurement(v.STUDENT_COMPARISONS, 1, {**encoder, ERROR_TYPE: kind}),
            *(Measurement(metric, value, encoder) for (_, metric), value in known.items()),
        ),
        failure=found.failure,
        links=(found.trace,),
    )


def _drift_evaluated(report: DriftReport, _: FinishedStage) -> Facts:
    attributes: Attributes = {
        v.MODEL_NAME: report.model.name,
        v.MODEL_VERSION: report.model.version,
        v.DRIFTING: report.drifting,
        v.DRIFT_REQUESTS: report.requests,
        v.DRIFT_DISTINCT: report.distinct,
        v.CENTROID_DISTANCE: round(report.centroid_distance, DECIMALS),
        v.EMBEDDING_SPREAD: round(report.spread, DECIMALS),
    }
    if report.drifted:
        attributes[v.DRIFTED] = report.drifted
    return Facts(attributes)


def _online_estimated(report: OnlineReport, _: FinishedStage) -> Facts:
    judged = sum(each.recommendations for each in report.versions)
    return Facts({v.ONLINE_RECOMMENDATIONS: judged, v.ONLINE_PENDING: report.pending})


def _judgements_loaded(judgements: Judgements, _: FinishedStage) -> Facts:
    return Facts({v.TRAINING_SOURCE: judgements.source.value, v.ROWS_READ: judgements.read})


def _judgements_validated(valid: ValidJudgements, _: FinishedStage) -> Facts:
    quality = valid.quality
    rows = [Measurement(v.TRAINING_ROWS, quality.used, {v.ROW_OUTCOME: "used"})]
    for outcome, counts in (("dropped", quality.dropped), ("quarantined", quality.quarantined)):
        for reason, count in counts.items():
            labels: Attributes = {v.ROW_OUTCOME: outcome, v.ROW_REASON: reason}
            rows.append(Measurement(v.TRAINING_ROWS, count, labels))
    attributes: Attributes = {
        v.ROWS_READ: quality.read,
        v.ROWS_USED: quality.used,
        v.TUNE_QUERIES: len(valid.tune),
        v.TEST_QUERIES: len(valid.test),
    }
    return Facts(attributes, measurements=tuple(rows))


def _features_computed(found: TrainingSet, _: FinishedStage) -> Facts:
    return Facts(
        {
            v.TUNE_QUERIES: len(found.tune),
            v.TEST_QUERIES: len(found.test),
            v.CANDIDATES: sum(len(each.candidates) for each in (*found.tune, *found.test)),
        }
    )


def _fitted(fitted: Fitted, _: FinishedStage) -> Facts:
    card = fitted.model.card
    return Facts({v.MODEL_NAME: card.name, v.MODEL_VERSION: card.version})


def _evaluated(found: Evaluation, _: FinishedStage) -> Facts:
    name = next(iter(found.ranked))
    attributes: Attributes = {
        v.EVALUATED_NDCG: round(found.ranked[name].ndcg.mean, DECIMALS),
        v.TEST_QUERIES: found.answerable + found.out_of_domain,
    }
    if name == CANDIDATE:
        champion = next(iter(found.comparisons.values()))
        attributes[v.NDCG_DIFFERENCE] = round(champion.difference.mean, DECIMALS)
    if (calibration := found.calibration.get(name)) is not None:
        attributes[v.EVALUATED_BRIER] = round(calibration.brier, DECIMALS)
    return Facts(attributes)


def _gate_applied(verdict: Verdict, _: FinishedStage) -> Facts:
    failed: Attributes = {v.GATE_CHECKS: tuple(each.value for each in verdict.reasons)}
    return Facts({v.GATE_PASSED: verdict.passed, **({} if verdict.passed else failed)})


def _trained(training: Training, _: FinishedStage) -> Facts:
    attributes: Attributes = {
        v.TRAINING_SOURCE: training.judgements.source.value,
        v.GATE_PASSED: training.verdict.passed,
    }
    return Facts(attributes, measurements=(Measurement(v.TRAININGS, 1, attributes),))


def _sampled(sample: Sample, _: FinishedStage) -> Facts:
    return Facts({v.TRAINING_TEXTS: len(sample.texts)})


def _distilled(model: StudentModel, _: FinishedStage) -> Facts:
    return Facts({v.ENCODER_NAME: model.name, v.ENCODER_VERSION: model.hash})


FACTS: Mapping[type, Callable[[Any, FinishedStage], Facts]] = {
    Query: _query,
    Candidates: _candidates,
    Evidence: _evidence,
    Scored: _scored,
    Ranking: _ranking,
    Recommendation: _recommendation,
    EncodedQueries: _encoded,
    AnsweredItem: _item_answered,
    BatchCounts: _batch_answered,
    BatchRun: _batch_run,
    RecordedFeedback: _feedback_recorded,
    Batch: _batch,
    ServingModel: _model_loaded,
    Change: _model_changed,
    Transaction: _transaction,
    Flushed: _flushed,
    Refreshed: _refreshed,
    ShadowComparison: _shadow_compared,
    StudentComparison: _student_compared,
    DriftReport: _drift_evaluated,
    OnlineReport: _online_estimated,
    Judgements: _judgements_loaded,
    ValidJudgements: _judgements_validated,
    TrainingSet: _features_computed,
    Fitted: _fitted,
    Evaluation: _evaluated,
    Verdict: _gate_applied,
    Training: _trained,
    Sample: _sampled,
    StudentModel: _distilled,
}


@lru_cache(16)
def weights(by_leg: tuple[tuple[str, float], ...]) -> str:
    """The weights as text: few different ones are in use at the same time."""
    return " ".join(f"{leg}={weight:.4f}" for leg, weight in by_leg)


def oov_ratio(query: Query) -> float:
    """Fraction of the query's terms that occur in no document; 0 without terms."""
    return round(len(query.unknown) / len(query.terms), DECIMALS) if query.terms else 0.0


def length_bucket(characters: int) -> str:
    """The bucket in LENGTHS."""
    return v.LENGTHS[sum(characters > edge for edge in EDGES)]


def rank_bucket(rank: int) -> str:
    """The bucket in RANKS."""
    return v.RANKS[sum(rank > edge for edge in (1, 3, 10))]
