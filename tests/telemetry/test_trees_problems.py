"""The span trees of requests that were answered with a problem, and what is counted of them."""

import asyncio
from typing import Any, NamedTuple

import httpx
import pytest
from opentelemetry._logs import SeverityNumber
from opentelemetry.semconv.attributes.error_attributes import ERROR_TYPE
from opentelemetry.semconv.attributes.http_attributes import (
    HTTP_REQUEST_METHOD,
    HTTP_RESPONSE_STATUS_CODE,
    HTTP_ROUTE,
)

from app.telemetry import vocabulary as v
from app.telemetry.kit import vocabulary as kit_names
from tests.api.service import JSON, WRITER
from tests.fake_wikipedia import FakeWikipedia, finds
from tests.telemetry.expected import BREAD, DOCUMENT, TITLE, refused, select, written
from tests.telemetry.recorded_service import OpenService, Service, trace_of, wikipedia_settings
from tests.telemetry.span_trees import Tree, assert_same, span
from tests.waiting import eventually

pytestmark = pytest.mark.anyio
ASK, NAMED = "POST /recommend", "GET /documents/{document_id}"


class Mistake(NamedTuple):
    """An invalid request, and its expected span."""

    method: str
    path: str
    emitted: Tree
    sent: dict[str, Any] = {}  # noqa: RUF012 - never written to


MISTAKES = {
    "not JSON": Mistake(
        "POST", "/recommend", refused(ASK, 422, "invalid-input"),
        {"content": b'{"query": ', "headers": JSON},
    ),
    "nothing asked": Mistake(
        "POST", "/recommend", refused(ASK, 422, "invalid-input"), {"json": {"query": " "}}
    ),
    "no words": Mistake(
        "POST", "/recommend", refused(ASK, 422, "invalid-input", span("analyze query", {})),
        {"json": {"query": "!!!"}},
    ),
    "out of range": Mistake(
        "GET", "/documents?limit=0", refused("GET /documents", 422, "invalid-input")
    ),
    "no such route": Mistake("GET", "/nowhere", refused("GET", 404, "not-found")),
    "no such document": Mistake(
        "GET", "/documents/nothing", refused(NAMED, 404, "not-found", select(DOCUMENT))
    ),
    "nothing to be like": Mistake(
        "GET", "/documents/nothing/similar",
        refused(f"{NAMED}/similar", 404, "not-found", select(TITLE)),
    ),
    "another method": Mistake(
        "PATCH", "/recommend", refused("PATCH /recommend", 405, "method-not-allowed")
    ),
    "another type": Mistake(
        "POST", "/recommend", refused(ASK, 415, "media-type"), {"content": b"bread"}
    ),
    "too much": Mistake(
        "POST", "/recommend", refused(ASK, 413, "too-large"),
        {"content": b" " * 300_000, "headers": JSON},
    ),
    "no right": Mistake(
        "DELETE", "/documents/tide", refused("DELETE /documents/{document_id}", 401, "unauthorized")
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES.keys())
async def test_a_mistake_is_no_error_of_the_service(
    open_service: OpenService, mistake: Mistake
) -> None:
    async with open_service() as service:
        answer = await service.client.request(mistake.method, mistake.path, **mistake.sent)
    assert_same(service.tree(answer), mistake.emitted)
    _assert_problem(service, answer, SeverityNumber.INFO)


async def test_an_unknown_method_has_a_name_of_its_own(open_service: OpenService) -> None:
    async with open_service() as service:
        answer = await service.client.request("BREW", "/recommend")
    expected = refused("HTTP /recommend", 405, "method-not-allowed")
    known = {**expected.attributes, HTTP_REQUEST_METHOD: "_OTHER"}
    assert_same(service.tree(answer), span(expected.name, known, kind="SERVER"))


async def test_too_much_is_under_way(open_service: OpenService, wikipedia: FakeWikipedia) -> None:
    wikipedia.behaviour = wikipedia.held(finds("Bread"))
    narrow = open_service(wikipedia_settings(wikipedia), limits={"in_flight": 1})
    async with narrow as service, asyncio.TaskGroup() as tasks:
        held = tasks.create_task(service.ask(BREAD))
        await eventually(lambda: wikipedia.calls == 1)
        answer = await service.client.get("/categories")
        wikipedia.release()
        assert (await held).status_code == 200
    _assert_only_counted(service, answer, "overloaded")


async def test_someone_asks_too_often(open_service: OpenService) -> None:
    async with open_service(limits={"requests_per_second": 0.1, "burst": 1}) as service:
        await service.client.get("/documents/tide")
        answer = await service.client.get("/categories")
    _assert_only_counted(service, answer, "rate-limited")


def _assert_only_counted(service: Service, answer: httpx.Response, problem: str) -> None:
    """What is refused for being too much costs no trace and no log record."""
    status = answer.status_code
    assert "traceresponse" not in answer.headers
    assert "trace_id" not in answer.json()
    events = [each.event_name for each in service.records if each.event_name]
    assert len(events) == 2  # of the start, and of the other request
    assert service.counts(v.CORE.problem_count) == {(problem, status): 1}
    error = "503" if status == 503 else None
    about = ("/categories", "GET", status, error, "http", "1.1")
    assert service.counts(kit_names.SERVER_DURATION)[about] == 1


async def test_words_are_needed(open_service: OpenService) -> None:
    """The hash stands for what was typed; nothing counts as a failure or as an answer."""
    async with open_service() as service:
        answer = await service.ask("!!!")
    assert v.CORE.input_hash in (service.wide_event(answer).attributes or {})
    assert service.counts(v.CORE.stage_duration) == {("analyze query", None): 1}
    assert service.counts(v.RECOMMENDATIONS) == service.counts(v.RECOMMEND_DURATION) == {}


async def test_the_writer_s_mistakes_are_reported_alike(open_service: OpenService) -> None:
    async with open_service() as service:
        answer = await service.client.delete("/documents/nothing", headers=WRITER)
    expected = refused("DELETE /documents/{document_id}", 404, "not-found", *written("catalogue"))
    assert_same(service.tree(answer), expected)
    _assert_problem(service, answer, SeverityNumber.INFO)


def _assert_problem(service: Service, answer: httpx.Response, severity: SeverityNumber) -> None:
    """Body, wide event and counter name the same problem, and the same trace."""
    body, emitted = answer.json(), service.wide_event(answer)
    problem = body["type"].removeprefix("urn:vitrine:problem:")
    assert int(body["trace_id"], 16) == trace_of(answer)[0]
    assert (emitted.event_name, emitted.severity_number) == (v.CORE.answered, severity)
    about = emitted.attributes or {}
    assert about[v.CORE.problem] == problem
    assert about.get(HTTP_ROUTE) == service.tree(answer).attributes.get(HTTP_ROUTE)
    assert about[HTTP_RESPONSE_STATUS_CODE] == answer.status_code
    assert answer.status_code >= 500 or ERROR_TYPE not in about
    assert service.counts(v.CORE.problem_count) == {(problem, answer.status_code): 1}
