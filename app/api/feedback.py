"""Handler of feedback on recommendations."""

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
    summary="Send feedback",
    responses=documented(404, 413, 415, 422, 429, 503) | {200: {"model": FeedbackResponse}},
)
async def send_feedback(
    given: FeedbackRequest, parts: PartsDep, response: Response
) -> FeedbackResponse:
    """Stored durably before the response: 201 the first time, 200 for repeated feedback."""
    if (given.kind is Kind.DWELL) != (given.dwell_ms is not None):
        raise invalid("/dwell_ms", "is required with kind “dwell”, and not allowed with others")
    recorded = await run_in_threadpool(store, parts, given)
    response.status_code = 200 if recorded.repeated else 201
    return recorded


def store(parts: Parts, given: FeedbackRequest) -> FeedbackResponse:
    """Write feedback to the journal. Raises Problem for an unknown recommendation or document."""
    feedback = Feedback(given.recommendation_id, given.document_id, given.kind, given.dwell_ms)
    try:
        with parts.stages.observe(FEEDBACK) as stage:
            recorded = stage.result = parts.journal.add_feedback(feedback)
    except UnknownRecommendation as error:
        hint = "feedback is taken for the latest ones only"
        raise not_found("recommendation", given.recommendation_id, hint) from error
    except NotRecommended as error:
        raise invalid("/document_id", "is not part of this recommendation") from error
    return FeedbackResponse(rank=recorded.rank, repeated=recorded.repeated)
