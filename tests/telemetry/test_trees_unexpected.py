"""What is told of errors that nobody foresaw: everything but what they say."""

from itertools import takewhile
from typing import NoReturn

import httpx
import pytest
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.semconv.attributes.error_attributes import ERROR_TYPE
from opentelemetry.semconv.attributes.exception_attributes import (
    EXCEPTION_STACKTRACE,
    EXCEPTION_TYPE,
)

from app.recommend.stages import ANALYZE, FEEDBACK, RANK, RETRIEVE, SCORE
from app.telemetry import vocabulary as v
from tests.api.service import problem, recommended
from tests.telemetry.agreement import server_span
from tests.telemetry.expected import BREAD, FUSION, RECOMMENDATION, refused, server, stages
from tests.telemetry.telling import Heard, Service, Telling, trace_of
from tests.telemetry.trees import Tree, assert_same, exception, span

pytestmark = pytest.mark.anyio
ASK = "POST /recommend"
SECRET = "what somebody typed"
STAGES = {
    ANALYZE: "app.recommend.pipeline.analyze",
    RETRIEVE: "app.catalogue.index.Moment.retrieve",
    SCORE: "app.recommend.fusion.Fusion.score",
    RANK: "app.recommend.pipeline.rank",
}
"""Where each stage can be broken."""


def breaks(*_: object, **__: object) -> NoReturn:
    """Put in the place of anything."""
    raise RuntimeError(SECRET)


@pytest.mark.parametrize("quick", [True, False], ids=["here", "in a thread"])
@pytest.mark.parametrize("stage", STAGES)
async def test_a_stage_breaks(
    telling: Telling, monkeypatch: pytest.MonkeyPatch, stage: str, quick: bool
) -> None:
    monkeypatch.setattr("app.catalogue.index.Moment.quick", quick)
    monkeypatch.setattr(STAGES[stage], breaks)
    async with telling() as service:
        answer = await service.ask(BREAD)
    problem(answer, 500)
    done = takewhile(lambda each: isinstance(each, Tree) and each.name != stage, stages())
    broken = span(stage, {ERROR_TYPE: "RuntimeError"}, exception("RuntimeError", "breaks"))
    assert_same(service.tree(answer), refused(ASK, 500, "internal", *done, broken))
    _assert_told(service, answer)
    assert (service.wide_event(answer).attributes or {})[ERROR_TYPE] == "RuntimeError"
    assert service.counts(v.CORE.stage_duration)[stage, "RuntimeError"] == 1
    assert service.counts(v.RECOMMEND_DURATION) == {(None, "RuntimeError"): 1}
    assert service.counts(v.RECOMMENDATIONS) == {}


async def test_it_breaks_between_the_stages(
    telling: Telling, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.api.recommend.encode", breaks)
    async with telling() as service:
        answer = await service.ask(BREAD)
    made = {**FUSION, v.DEGRADED: False, v.CACHE_OUTCOME: "miss", v.CORE.problem: "internal"}
    about = {**made, v.RECOMMENDATION_ID: RECOMMENDATION}
    why = exception("RuntimeError", "breaks")
    assert_same(service.tree(answer), server(ASK, 500, about, v.CACHE_MISS, why, *stages()))
    _assert_told(service, answer)


async def test_feedback_breaks(telling: Telling, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.catalogue.feedback_journal.Journal.give", breaks)
    given = {"recommendation_id": "0" * 32, "document_id": "tide", "kind": "click"}
    async with telling() as service:
        answer = await service.client.post("/feedback", json=given)
    why = exception("RuntimeError", "breaks")
    assert_same(service.tree(answer), refused("POST /feedback", 500, "internal", why))
    assert service.counts(v.CORE.stage_duration) == {(FEEDBACK, "RuntimeError"): 1}
    assert service.counts(v.FEEDBACK) == {}
    (record,) = [each for each in service.said(answer) if not each.event_name]
    _assert_has_a_stack(record)


@pytest.mark.parametrize("broken", ["app.api.recommend.encode", "app.api.documents.get"])
async def test_the_wide_event_has_the_type_of_every_failure(
    telling: Telling, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    """As the span of the request has, and the metric of its duration."""
    monkeypatch.setattr(broken, breaks)
    async with telling() as service:
        path = "/recommend?q=bread" if "recommend" in broken else "/documents/tide"
        answer = await service.client.get(path)
    assert answer.status_code == 500
    assert ERROR_TYPE in (server_span(service, answer).attributes or {})
    assert ERROR_TYPE in (service.wide_event(answer).attributes or {})


async def test_telemetry_that_breaks_takes_nothing_with_it(
    telling: Telling, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer is whole, the spans have ended, and the log says what is wrong."""
    monkeypatch.setattr("app.telemetry.kit.stages.ObservedStage._report", breaks)
    monkeypatch.setattr("app.telemetry.kit.requests.RequestTelemetry.emit", breaks)
    async with telling() as service:
        answer = await service.ask(BREAD)
    assert recommended(answer).results
    assert {each.name for each in service.of_trace(answer)} >= {ASK, *STAGES}
    complaints = [each for each in service.said(answer) if each.severity_number]
    assert len(complaints) == 6  # four stages, the whole, and the wide event
    for each in complaints:
        _assert_has_a_stack(each)
    _assert_nothing_quoted(service)


def _assert_told(service: Service, answer: httpx.Response) -> None:
    """A record with the stack and the input's hash; the wide event and a counter say so too."""
    wide = service.wide_event(answer)
    (record,) = [each for each in service.said(answer) if each is not wide]
    assert (record.severity_number, record.body) == (SeverityNumber.ERROR, "unhandled error")
    assert record.span_id == trace_of(answer)[1]
    _assert_has_a_stack(record)
    told, about = wide.attributes or {}, record.attributes or {}
    assert about[v.CORE.input_hash] == told[v.CORE.input_hash]
    assert (wide.event_name, wide.severity_number) == (v.CORE.answered, SeverityNumber.ERROR)
    assert told[v.CORE.problem] == "internal"
    assert service.counts(v.CORE.problem_count) == {("internal", 500): 1}
    assert int(answer.json()["trace_id"], 16) == trace_of(answer)[0]
    _assert_nothing_quoted(service)


def _assert_has_a_stack(record: LogRecord) -> None:
    about = record.attributes or {}
    assert about[EXCEPTION_TYPE] == "RuntimeError"
    assert "in breaks\n" in str(about[EXCEPTION_STACKTRACE])


def _assert_nothing_quoted(heard: Heard) -> None:
    """Neither what the exception says nor what was typed is anywhere."""
    told = [*(each.to_json() for each in heard.spans), *(each.to_json() for each in heard.readable)]
    assert "RuntimeError" in "".join(told)
    assert [each for each in told if SECRET in each or BREAD in each] == []
