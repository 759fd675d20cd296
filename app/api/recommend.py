"""Questions and answers."""

import secrets
import time
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.concurrency import run_in_threadpool

from app.api.access import PartsDep
from app.api.problems import documented, invalid, not_found
from app.api.wire import (
    Categories,
    Limit,
    QueryText,
    RecommendRequest,
    RecommendResponse,
    UserId,
)
from app.catalogue.journal import Served
from app.parts import Parts
from app.recommend.query import NoSearchableWords
from app.recommend.types import Recommendation, Request

router = APIRouter(tags=["recommendations"])
ERRORS = documented(413, 415, 422, 429, 503)


@router.post("/recommend", summary="Recommend documents", responses=ERRORS)
async def recommend(asked: RecommendRequest, parts: PartsDep) -> RecommendResponse:
    """The documents that answer a question best, each with its reasons."""
    request = Request(asked.query, asked.limit, frozenset(asked.categories))
    return await run_in_threadpool(answer, parts, request, asked.explain)


@router.get("/recommend", summary="Recommend documents", responses=ERRORS)
async def recommend_by_url(
    parts: PartsDep,
    q: Annotated[QueryText, Query(examples=["keep bread from going stale"])],
    limit: Limit = 5,
    category: Annotated[Categories, Query()] = [],  # noqa: B006 - FastAPI copies defaults
    user_id: UserId = None,
    explain: bool = True,
) -> RecommendResponse:
    """The same, for browsers and quick tries."""
    request = Request(q, limit, frozenset(category))
    return await run_in_threadpool(answer, parts, request, explain)


@router.get(
    "/documents/{document_id}/similar",
    summary="Documents like another one",
    responses=documented(404, 422, 429, 503),
)
async def similar(
    document_id: str, parts: PartsDep, limit: Limit = 5, explain: bool = True
) -> RecommendResponse:
    """The documents most like one of the catalogue."""
    return await run_in_threadpool(answer_similar, parts, document_id, limit, explain)


def answer(parts: Parts, request: Request, explain: bool) -> RecommendResponse:
    """Recommend, note it in the journal, and put it in words."""
    started = time.perf_counter()
    try:
        recommendation = parts.recommender.recommend(request)
    except NoSearchableWords as error:
        raise invalid("query", "has no letters or digits; type a few words") from error
    return _served(parts, recommendation, started, explain)


def answer_similar(parts: Parts, document_id: str, limit: int, explain: bool) -> RecommendResponse:
    """As `answer`, for a document. Raises Problem."""
    started = time.perf_counter()
    recommendation = parts.recommender.similar(document_id, limit)
    if recommendation is None:
        raise not_found("document", document_id)
    return _served(parts, recommendation, started, explain)


def _served(
    parts: Parts, recommendation: Recommendation, started: float, explain: bool
) -> RecommendResponse:
    recommendation_id = secrets.token_hex(16)
    model = recommendation.model
    shown = tuple(each.document.id for each in recommendation.ranking.items)
    served = Served(recommendation_id, model.name, model.version, recommendation.degraded, shown)
    parts.journal.note(served)
    took = time.perf_counter() - started
    return RecommendResponse.of(recommendation_id, recommendation, took, explain=explain)
