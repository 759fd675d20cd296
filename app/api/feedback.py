"""What people did with what was recommended."""

from fastapi import APIRouter, Response
from starlette.concurrency import run_in_threadpool

from app.api.dependencies import PartsDep
from app.api.problems import documented, invalid, not_found
from app.api.wire import FeedbackRequest, FeedbackResponse
from app.catalogue.feedback_journal import (
    Feedback,
    Kind,
    NotRecommended,
    UnknownRecommendation,
)
from app.composition import Parts
from app.recommend.stages import FEEDBACK

router = APIRouter(tags=["feedback"])


@router.post(
    "/feedback",
    status_code=201,
    summary="Tell what happened",
    responses=documented(404, 413, 415, 422, 429, 503) | {200: {"model": FeedbackResponse}},
)
async def send_feedback(
    given: FeedbackRequest, parts: PartsDep, response: Response
) -> FeedbackResponse:
    """Durable when answered: 201 the first time, 200 when the same is told again."""
    if (given.kind is Kind.DWELL) != (given.dwell_ms is not None):
        raise invalid("/dwell_ms", "belongs to kind “dwell”, and is required there")
    noted = await run_in_threadpool(keep, parts, given)
    response.status_code = 200 if noted.repeated else 201
    return noted


def keep(parts: Parts, given: FeedbackRequest) -> FeedbackResponse:
    """Write it. Raises Problem where the recommendation is unknown."""
    what = Feedback(given.recommendation_id, given.document_id, given.kind, given.dwell_ms)
    try:
        with parts.stages.observe(FEEDBACK) as stage:
            noted = stage.result = parts.journal.add_feedback(what)
    except UnknownRecommendation as error:
        raise not_found("recommendation", given.recommendation_id) from error
    except NotRecommended as error:
        raise invalid("/document_id", "was not part of this recommendation") from error
    return FeedbackResponse(rank=noted.rank, repeated=noted.repeated)
