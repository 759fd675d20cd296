"""What spans and the wide event say about each result: the only place where that is listed."""

from collections.abc import Callable, Mapping
from typing import Any

from app.catalogue.importer import Batch
from app.catalogue.journal import Noted
from app.recommend.topic_signal import Evidence, Outcome
from app.recommend.types import Candidates, Query, Ranking, Recommendation, Scored
from app.telemetry import vocabulary as v
from app.telemetry.naming import Event

Value = str | bool | int | float | tuple[str, ...]
Attributes = dict[str, Value]
EDGES = (20, 50, 100, 200, 500)
DECIMALS = 4


def _query(query: Query) -> Attributes:
    return {
        v.TERM_COUNT: len(query.terms),
        v.LENGTH_BUCKET: length_bucket(len(query.text)),
        v.OOV_RATIO: oov_ratio(query),
        v.CORRECTED: len(query.corrections),
    }


def _candidates(candidates: Candidates) -> Attributes:
    return {v.CANDIDATES: len(candidates)}


def _evidence(evidence: Evidence) -> Attributes:
    return {v.TOPIC_OUTCOME: evidence.outcome.value, v.TOPIC_PAGES: len(evidence.pages)}


def _scored(scored: Scored) -> Attributes:
    return {v.MODEL_NAME: scored.model.name, v.MODEL_VERSION: scored.model.version}


def _ranking(ranking: Ranking) -> Attributes:
    told: Attributes = {v.RESULTS: len(ranking.items)}
    if ranking.items:
        top = ranking.items[0].score
        told |= {v.SCORE_TOP: round(top, DECIMALS), v.SCORE_BUCKET: v.TENTHS[min(int(top * 10), 9)]}
    if len(ranking.items) > 1:
        margin = ranking.items[0].score - ranking.items[1].score
        told[v.SCORE_MARGIN] = round(margin, DECIMALS)
    return told


def _recommendation(recommendation: Recommendation) -> Attributes:
    """For the request's own span: what one filters by."""
    told: Attributes = {
        v.MODEL_NAME: recommendation.model.name,
        v.MODEL_VERSION: recommendation.model.version,
        v.DEGRADED: bool(recommendation.degraded),
    }
    if recommendation.kept is not None:
        told[v.CACHE_OUTCOME] = "hit" if recommendation.kept else "miss"
    if recommendation.degraded:
        told[v.MISSING] = recommendation.degraded
    return told


def _noted(noted: Noted) -> Attributes:
    return {
        v.FEEDBACK_KIND: noted.kind.value,
        v.RANK_BUCKET: rank_bucket(noted.rank),
        v.REPEATED: noted.repeated,
        v.RECOMMENDATION_ID: noted.served.id,
        v.MODEL_NAME: noted.served.model,
        v.MODEL_VERSION: noted.served.version,
    }


def _batch(batch: Batch) -> Attributes:
    counts: Attributes = {v.OUTCOME_COUNTS[name]: count for name, count in batch.counts.items()}
    return {v.BATCH_SIZE: sum(batch.counts.values()), **counts}


ABOUT: Mapping[type, Callable[[Any], Attributes]] = {
    Query: _query,
    Candidates: _candidates,
    Evidence: _evidence,
    Scored: _scored,
    Ranking: _ranking,
    Recommendation: _recommendation,
    Noted: _noted,
    Batch: _batch,
}


def describe(result: object) -> Attributes:
    """What is worth telling about a result; nothing about what isn't known here."""
    about = ABOUT.get(type(result))
    return {} if about is None else about(result)


def everything(recommendation: Recommendation) -> Attributes:
    """For the wide event: what a person debugging would ask next."""
    return {
        **_query(recommendation.query),
        **_recommendation(recommendation),
        **_ranking(recommendation.ranking),
        v.CANDIDATES: recommendation.ranking.considered,
    }


def events(result: object) -> tuple[Event, ...]:
    """What happened on the way to a result, as span events."""
    happened = HAPPENED.get(type(result))
    return () if happened is None else happened(result)


def _fallback(scored: Scored) -> tuple[Event, ...]:
    return (v.FALLBACK_INVOKED,) if scored.failure is not None else ()


def _asked(evidence: Evidence) -> tuple[Event, ...]:
    return () if evidence.outcome in (Outcome.CACHED, Outcome.OFF) else (v.CACHE_MISS,)


def _made(recommendation: Recommendation) -> tuple[Event, ...]:
    return (v.CACHE_MISS,) if recommendation.kept is False else ()


HAPPENED: Mapping[type, Callable[[Any], tuple[Event, ...]]] = {
    Scored: _fallback,
    Evidence: _asked,
    Recommendation: _made,
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
