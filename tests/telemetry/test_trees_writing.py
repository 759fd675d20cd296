"""The span trees of imports and of feedback."""

from typing import Any

import httpx
import pytest
from opentelemetry.sdk.metrics.export import HistogramDataPoint

from app.recommend.stages import AWAIT_LOCK, FEEDBACK, TRANSACTION, WRITE
from app.telemetry import vocabulary as v
from tests.api.service import NDJSON, WRITER, document_lines
from tests.telemetry.expected import (
    BREAD,
    DOCUMENT,
    feedback,
    refused,
    select,
    server,
    written,
)
from tests.telemetry.recorded_service import OpenService, Service, trace_of
from tests.telemetry.span_trees import Link, Tree, assert_same, span

pytestmark = pytest.mark.anyio
CREATED, REJECTED = v.OUTCOME_COUNTS["created"], v.OUTCOME_COUNTS["rejected"]


def batch(size: int, **outcomes: int) -> Tree:
    """The writing of one batch."""
    counts = {v.OUTCOME_COUNTS[name]: count for name, count in outcomes.items()}
    parts = written("catalogue") if outcomes.keys() - {"rejected"} else ()
    return span(WRITE, {v.BATCH_SIZE: size} | counts, *parts)


async def test_an_import_reports_progress_in_batches(open_service: OpenService) -> None:
    async with open_service() as service:
        body = document_lines(230) + "{\n"
        answer = await service.client.post("/documents", content=body, headers=NDJSON)
    batches = [batch(100, created=100), batch(100, created=100), batch(31, created=30, rejected=1)]
    assert_same(service.tree(answer), server("POST /documents", 200, {}, *batches))
    assert service.counts(v.DOCUMENTS_WRITTEN) == {("created",): 230, ("rejected",): 1}
    (sizes,) = service.measured()[v.BATCHES].data.data_points
    assert isinstance(sizes, HistogramDataPoint)
    assert (sizes.count, sizes.sum, sizes.min, sizes.max) == (3, 231, 31, 100)
    assert service.counts(v.CORE.stage_duration) == {
        (WRITE, None): 3, (AWAIT_LOCK, None): 3, (TRANSACTION, None): 3,
    }  # fmt: skip
    emitted = service.wide_event(answer).attributes or {}
    assert (emitted[v.BATCH_SIZE], emitted[CREATED], emitted[REJECTED]) == (231, 230, 1)


async def test_an_import_again_changes_little(open_service: OpenService) -> None:
    async with open_service() as service:
        await service.client.post("/documents", content=document_lines(30), headers=NDJSON)
        body = document_lines(30).replace('"Number 7"', '"Seven"')
        answer = await service.client.post("/documents", content=body, headers=NDJSON)
    expected = server("POST /documents", 200, {}, batch(30, unchanged=29, updated=1))
    assert_same(service.tree(answer), expected)
    assert service.counts(v.DOCUMENTS_WRITTEN) == {
        ("created",): 30, ("unchanged",): 29, ("updated",): 1,
    }  # fmt: skip


async def test_a_single_document_is_written(open_service: OpenService) -> None:
    async with open_service() as service:
        document = {"title": "Seven", "text": "A number."}
        answer = await service.client.put("/documents/seven", json=document, headers=WRITER)
    name = "PUT /documents/{document_id}"
    assert_same(
        service.tree(answer), server(name, 201, {}, *written("catalogue"), select(DOCUMENT))
    )


async def test_the_catalogue_s_size_is_the_present_one(open_service: OpenService) -> None:
    """Also without a recommendation since it changed."""
    async with open_service() as service:
        await service.client.post("/documents", content=document_lines(30), headers=NDJSON)
        service.telemetry.flush()
        assert service.counts(v.CATALOGUE_SIZE) == {(): 38}


async def asked(service: Service) -> tuple[httpx.Response, dict[str, Any]]:
    """An answer, and a click on its second result."""
    answer = await service.ask(BREAD)
    found = answer.json()
    clicked = found["results"][1]["document"]["id"]
    given = {"recommendation_id": found["recommendation_id"], "document_id": clicked}
    return answer, given | {"kind": "click"}


async def test_feedback_points_to_what_it_judges(open_service: OpenService) -> None:
    async with open_service() as service:
        judged, click = await asked(service)
        first = await service.client.post("/feedback", json=click)
        again = await service.client.post("/feedback", json=click)
    link = Link(*trace_of(judged))
    assert_same(service.tree(first), feedback(201, "2-3", repeated=False, link=link))
    assert_same(service.tree(again), feedback(200, "2-3", repeated=True, link=link))
    assert trace_of(judged)[0] not in (trace_of(first)[0], trace_of(again)[0])
    assert service.counts(v.FEEDBACK) == {("click", "2-3", "fusion", "2"): 1}  # counted once
    assert service.counts(v.CORE.stage_duration)[FEEDBACK, None] == 2
    for answer in (first, again):
        emitted = service.wide_event(answer).attributes or {}
        about = service.tree(answer).attributes
        assert {name for name in about if name.startswith("vitrine.")} <= set(emitted)
        assert emitted[v.RECOMMENDATION_ID] == judged.json()["recommendation_id"]


async def test_feedback_outlives_the_service(open_service: OpenService) -> None:
    """The link still leads to the trace of the day before."""
    async with open_service() as before:
        judged, click = await asked(before)
    async with open_service() as service:
        answer = await service.client.post("/feedback", json=click)
    link = Link(*trace_of(judged))
    assert_same(service.tree(answer), feedback(201, "2-3", repeated=False, link=link))


@pytest.mark.parametrize(
    ("changes", "status", "kind"),
    [
        ({"recommendation_id": "0" * 32}, 404, "not-found"),
        ({"document_id": "tide-table"}, 422, "invalid-input"),
        ({"dwell_ms": 5}, 422, "invalid-input"),
    ],
    ids=["unknown recommendation", "not recommended", "no such feedback"],
)
async def test_feedback_that_fits_nothing(
    open_service: OpenService, changes: dict[str, Any], status: int, kind: str
) -> None:
    async with open_service() as service:
        _, click = await asked(service)
        answer = await service.client.post("/feedback", json=click | changes)
    parts = written("journal") if "dwell_ms" not in changes else ()
    assert_same(service.tree(answer), refused("POST /feedback", status, kind, *parts))
    assert service.counts(v.FEEDBACK) == {}
    assert service.counts(v.CORE.problem_count) == {(kind, status): 1}
    assert (FEEDBACK, "NotRecommended") not in service.counts(v.CORE.stage_duration)
