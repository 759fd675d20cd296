"""Handlers of recommendations, similar documents and categories, and the JSON encoding."""

import secrets
import time
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Query, Response
from fastapi import Request as HTTPRequest
from pydantic_core import to_json
from starlette.concurrency import run_in_threadpool

from app.api.dependencies import PartsDep, check_categories, split_user
from app.api.problems import DOCUMENT_IDS, Responses, documented, invalid, not_found
from app.api.wire import (
    CategoryCounts,
    Limit,
    RecommendParams,
    RecommendRequest,
    RecommendResponse,
)
from app.catalogue.feedback_journal import Served
from app.composition import Parts
from app.recommend.query import NoSearchableWords
from app.recommend.stages import RECOMMEND
from app.recommend.types import Ranked, Recommendation, Request
from app.telemetry.kit.context import trace_id, traceparent
from app.telemetry.kit.request_record import set_request_attribute
from app.telemetry.vocabulary import RECOMMENDATION_ID

router = APIRouter(tags=["recommendations"])
BODY, URL = ("/query", "/categories"), ("q", "category")
"""Where a request names the query and the categories, for errors."""
RESPONSE: Responses = {200: {"model": RecommendResponse}}
RESPONSES = RESPONSE | documented(413, 415, 422, 429, 503)


@router.post("/recommend", summary="Recommend documents", responses=RESPONSES)
async def recommend(http: HTTPRequest, params: RecommendRequest, parts: PartsDep) -> Response:
    """The best documents for a query, each with its reasons."""
    request = Request(params.query, params.limit, frozenset(params.categories))
    return await respond(parts, request, params.explain, BODY, split_user(http, parts))


@router.get("/recommend", summary="Recommend documents", responses=RESPONSES)
async def recommend_by_url(
    http: HTTPRequest, params: Annotated[RecommendParams, Query()], parts: PartsDep
) -> Response:
    """The same as POST, for browsers and quick tests; `category` may be repeated."""
    request = Request(params.q, params.limit, frozenset(params.category))
    return await respond(parts, request, params.explain, URL, split_user(http, parts))


@router.get(
    "/documents/{document_id}/similar",
    summary="Documents like another one",
    responses=RESPONSE | documented(404, 422, 429, 503),
)
async def similar_documents(
    document_id: str, parts: PartsDep, limit: Limit = 5, explain: bool = True
) -> Response:
    """The documents most similar to a given one."""
    started = time.perf_counter()
    with parts.stages.observe(RECOMMEND) as stage:
        recommendation = stage.result = await parts.recommender.similar(document_id, limit)
    if recommendation is None:
        raise not_found("document", document_id, DOCUMENT_IDS)
    return _served(parts, recommendation, "", started, explain)


@router.get("/categories", summary="List categories", responses=documented(429, 503))
async def list_categories(parts: PartsDep) -> CategoryCounts:
    """The valid values of `categories`."""
    return CategoryCounts(categories=await run_in_threadpool(parts.catalogue.categories))


async def respond(
    parts: Parts, request: Request, explain: bool, pointers: tuple[str, str], user: str | None
) -> Response:
    """Recommend documents. `pointers`: BODY or URL; `user`: what decides which version answers."""
    query, categories = pointers
    started = time.perf_counter()
    if request.categories:
        await run_in_threadpool(check_categories, parts.catalogue, request.categories, categories)
    try:
        with parts.stages.observe(RECOMMEND, request) as stage:
            recommendation = stage.result = await parts.recommender.recommend(
                request, parts.split.choose(user)
            )
    except NoSearchableWords as error:
        raise invalid(query, "has no letters or digits; type a few words") from error
    # A filter moves documents to other ranks: not an observation of the query without it.
    typed = "" if request.categories else request.text
    return _served(parts, recommendation, typed, started, explain)


def _served(
    parts: Parts, recommendation: Recommendation, typed: str, started: float, explain: bool
) -> Response:
    identity = record(parts, recommendation, typed, started)
    set_request_attribute(RECOMMENDATION_ID, identity.recommendation_id)
    body = to_json(content(identity, recommendation, explain=explain))
    return Response(body, media_type="application/json")


def record(parts: Parts, recommendation: Recommendation, typed: str, started: float) -> "Identity":
    """Write a recommendation to the journal, so that feedback can refer to it. `typed`: the query;
    empty for similar documents, and with a filter."""
    recommendation_id, model = secrets.token_hex(16), recommendation.model
    shown = tuple(each.document.id for each in recommendation.ranking.items)
    missing, trace = recommendation.degraded, traceparent()
    served = Served(recommendation_id, model.name, model.version, missing, shown, trace, typed)
    parts.journal.record(served)
    return Identity(recommendation_id, trace_id(), time.perf_counter() - started)


class Identity(NamedTuple):
    """What identifies one response; `took` is in seconds."""

    recommendation_id: str
    trace_id: str | None
    took: float


def content(identity: Identity, answer: Recommendation, *, explain: bool) -> dict[str, object]:
    """A RecommendResponse, to be encoded by `to_json`.

    Of the internal types directly: building and validating the wire models takes four times
    as long. Tests validate the result against the models.
    """
    return {
        "recommendation_id": identity.recommendation_id,
        "trace_id": identity.trace_id,
        **answer_content(answer, explain=explain),
        "took_ms": round(identity.took * 1000, 3),
    }


def answer_content(answer: Recommendation, *, explain: bool) -> dict[str, object]:
    """The same without what identifies the response."""
    query, relevance = answer.query, answer.ranking.relevance
    return {
        "query": {
            "text": query.text,
            "terms": [term.surface for term in query.terms],
            "corrections": query.corrections,
            "unknown": query.unknown,
        },
        "relevance": None if relevance is None else relevance.probability,
        "answered": None if relevance is None else relevance.answered,
        "results": [_result(each, explain) for each in answer.ranking.items],
        "model": answer.model,
        "degraded": answer.degraded,
    }


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
