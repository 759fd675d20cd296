"""An answer as JSON, without the detour over the wire models."""

from typing import NamedTuple

from pydantic_core import to_json

from app.recommend.types import Ranked, Recommendation


class Identity(NamedTuple):
    """What one answer has for itself; `took` in seconds."""

    recommendation_id: str
    trace_id: str | None
    took: float


def encode(identity: Identity, answer: Recommendation, *, explain: bool) -> bytes:
    """A RecommendResponse as JSON.

    Written straight from the inner types: building and validating the wire models first would
    take four times as long. Tests validate what comes out.
    """
    query = answer.query
    return to_json(
        {
            "recommendation_id": identity.recommendation_id,
            "trace_id": identity.trace_id,
            "query": {
                "text": query.text,
                "terms": [term.surface for term in query.terms],
                "corrections": query.corrections,
            },
            "results": [_result(each, explain) for each in answer.ranking.items],
            "model": answer.model,
            "degraded": answer.degraded,
            "took_ms": round(identity.took * 1000, 3),
        }
    )


def _result(ranked: Ranked, explain: bool) -> dict[str, object]:
    why = ranked.reason
    reasons = {
        "summary": why.summary,
        "matched_terms": why.matched_terms,
        "topic_page": why.topic_page,
        "base": why.base,
        "scores": why.legs,
        "weights": why.weights,
        "contributions": why.contributions,
    }
    return {
        "rank": ranked.rank,
        "score": ranked.score,
        "document": ranked.document,
        "section": ranked.section,
        "reasons": reasons if explain else None,
    }
