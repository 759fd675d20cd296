"""Handler of batches: many queries in one request, each with its own result or problem."""

import sqlite3
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Response
from pydantic import ValidationError
from pydantic_core import to_json
from starlette.concurrency import run_in_threadpool

from app.api.dependencies import ChargeDep, PartsDep, check_categories
from app.api.problems import Problem, Responses, documented, invalid, invalid_item
from app.api.recommend import content, record
from app.api.wire import BatchItem, BatchRequest, BatchResponse
from app.composition import Parts
from app.recommend.batch import BatchCounts, Item, RowReason, View
from app.recommend.query import NoSearchableWords
from app.recommend.stages import RECOMMEND_BATCH
from app.recommend.types import Recommendation, Request

router = APIRouter(tags=["recommendations"])
Outcome = tuple[RowReason | None, dict[str, object]]
"""Why an item has no recommendation, and its outcome in the response."""
RESPONSE: Responses = {200: {"model": BatchResponse}}


@router.post(
    "/recommend/batch",
    summary="Recommend documents for many queries",
    responses=RESPONSE | documented(413, 415, 422, 429, 503),
)
async def recommend_batch(given: BatchRequest, parts: PartsDep, charge: ChargeDep) -> Response:
    """Up to 100 items like those of POST /recommend, each with its own result or problem, in their
    order. They count as so many requests in all limits. Wikipedia is not asked."""
    charge(len(given.items))
    # Not in the thread: a new connection can't tell whether the catalogue has changed.
    view = parts.batches.view()
    body = await run_in_threadpool(_answered, parts, given.items, view)
    return Response(body, media_type="application/json")


def _answered(parts: Parts, given: Sequence[Any], view: View) -> bytes:
    """The response, as JSON. Raises sqlite3.Error: then no item can be answered."""
    started = time.perf_counter()
    with parts.stages.observe(RECOMMEND_BATCH) as stage:
        read = [_read(parts, each) for each in given]
        valid = [each for each in read if isinstance(each, BatchItem)]
        answers = iter(parts.batches.recommend([_item(each) for each in valid], view))
        outcomes: list[Outcome] = [
            (RowReason.INVALID, _problem(each))
            if isinstance(each, Problem)
            else _outcome(parts, each, next(answers), started)
            for each in read
        ]
        stage.result = BatchCounts(Counter(reason for reason, _ in outcomes))
    return to_json({"items": [each for _, each in outcomes]})


def _item(given: BatchItem) -> Item:
    request = Request(given.query, given.limit, frozenset(given.categories))
    return Item(request, given.traceparent)


def _read(parts: Parts, given: Any) -> BatchItem | Problem:
    try:
        item = BatchItem.model_validate(given)
        check_categories(parts.catalogue, item.categories, "/categories")
    except ValidationError as error:
        return invalid_item(error)
    except Problem as problem:
        return problem
    return item


def _outcome(
    parts: Parts, item: BatchItem, answer: Recommendation | Exception, started: float
) -> Outcome:
    if isinstance(answer, sqlite3.Error):
        raise answer
    if isinstance(answer, NoSearchableWords):
        wrong = invalid("/query", "has no letters or digits; type a few words")
        return RowReason.NOT_SEARCHABLE, _problem(wrong)
    if isinstance(answer, Exception):
        return RowReason.FAILED, _problem(Problem.internal())
    typed = "" if item.categories else item.query  # as in a single request
    found = content(record(parts, answer, typed, started), answer, explain=item.explain)
    return None, {"recommendation": found, "problem": None}


def _problem(problem: Problem) -> dict[str, object]:
    details = problem.details.model_dump()
    return {"recommendation": None, "problem": details}
