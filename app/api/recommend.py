"""Questions and answers."""

import secrets
import time
from typing import Annotated

from fastapi import APIRouter, Query, Response
from starlette.concurrency import run_in_threadpool

from app.api.categories import check_categories
from app.api.dependencies import PartsDep
from app.api.encode import Identity, encode
from app.api.problems import Answers, documented, invalid, not_found
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
from app.recommend.types import Recommendation, Request
from app.telemetry.kit.context import trace_id, traceparent
from app.telemetry.kit.request_record import set_request_attribute
from app.telemetry.vocabulary import RECOMMENDATION_ID

router = APIRouter(tags=["recommendations"])
ANSWER: Answers = {200: {"model": RecommendResponse}}
ANSWERS = ANSWER | documented(413, 415, 422, 429, 503)


@router.post("/recommend", summary="Recommend documents", responses=ANSWERS)
async def recommend(asked: RecommendRequest, parts: PartsDep) -> Response:
    """The documents that answer a question best, each with its reasons."""
    request = Request(asked.query, asked.limit, frozenset(asked.categories))
    return await answer(parts, request, asked.explain, "/categories")


@router.get("/recommend", summary="Recommend documents", responses=ANSWERS)
async def recommend_by_url(asked: Annotated[RecommendParams, Query()], parts: PartsDep) -> Response:
    """The same, for browsers and quick tries; `category` may be repeated."""
    request = Request(asked.q, asked.limit, frozenset(asked.category))
    return await answer(parts, request, asked.explain, "category")


@router.get(
    "/documents/{document_id}/similar",
    summary="Documents like another one",
    responses=ANSWER | documented(404, 422, 429, 503),
)
async def similar_documents(
    document_id: str, parts: PartsDep, limit: Limit = 5, explain: bool = True
) -> Response:
    """The documents most like one of the catalogue."""
    started = time.perf_counter()
    with parts.stages.observe(RECOMMEND) as stage:
        recommendation = stage.result = await parts.recommender.similar(document_id, limit)
    if recommendation is None:
        raise not_found("document", document_id)
    return _served(parts, recommendation, started, explain)


@router.get("/categories", summary="Which categories are there?", responses=documented(429, 503))
async def list_categories(parts: PartsDep) -> CategoryCounts:
    """What `categories` of a recommendation can be."""
    return CategoryCounts(categories=await run_in_threadpool(parts.catalogue.categories))


async def answer(parts: Parts, request: Request, explain: bool, pointer: str) -> Response:
    """Recommend, note it in the journal, and put it in words. `pointer`: to the categories."""
    started = time.perf_counter()
    if request.categories:
        await run_in_threadpool(check_categories, parts.catalogue, request.categories, pointer)
    try:
        with parts.stages.observe(RECOMMEND, request) as stage:
            recommendation = stage.result = await parts.recommender.recommend(request)
    except NoSearchableWords as error:
        raise invalid("query", "has no letters or digits; type a few words") from error
    return _served(parts, recommendation, started, explain)


def _served(
    parts: Parts, recommendation: Recommendation, started: float, explain: bool
) -> Response:
    recommendation_id = secrets.token_hex(16)
    model = recommendation.model
    shown = tuple(each.document.id for each in recommendation.ranking.items)
    missing, trace = recommendation.degraded, traceparent()
    set_request_attribute(RECOMMENDATION_ID, recommendation_id)
    served = Served(recommendation_id, model.name, model.version, missing, shown, trace)
    parts.journal.record(served)
    identity = Identity(recommendation_id, trace_id(), time.perf_counter() - started)
    body = encode(identity, recommendation, explain=explain)
    return Response(body, media_type="application/json")
