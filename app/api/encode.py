"""An answer as JSON, without the detour over the wire models."""

from pydantic_core import to_json

from app.recommend.types import Ranked, Recommendation


def encode(recommendation_id: str, answer: Recommendation, took: float, *, explain: bool) -> bytes:
    """A RecommendResponse as JSON; `took` in seconds.

    Written straight from the inner types: building and validating the wire models first would
    take four times as long. Tests validate what comes out.
    """
    query = answer.query
    return to_json(
        {
            "recommendation_id": recommendation_id,
            "query": {
                "text": query.text,
                "terms": [term.surface for term in query.terms],
                "corrections": query.corrections,
            },
            "results": [_result(each, explain) for each in answer.ranking.items],
            "model": answer.model,
            "degraded": answer.degraded,
            "took_ms": round(took * 1000, 3),
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
        "reasons": reasons if explain else None,
    }
