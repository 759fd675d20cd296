"""Telemetry of unexpected errors: everything but their messages."""

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

from app.recommend.fusion import Fusion
from app.recommend.ranking import FallbackModel
from app.recommend.stages import ANALYZE, FEEDBACK, RANK, RETRIEVE, SCORE
from app.telemetry import vocabulary as v
from app.telemetry.kit.exceptions import EVENT, OPT_IN
from tests.api.service import problem, recommended
from tests.fakes import PIPELINE
from tests.telemetry.consistency import server_span
from tests.telemetry.expected import (
    BREAD,
    FUSION,
    RECOMMENDATION,
    YES_OR_NO,
    refused,
    server,
    stages,
)
from tests.telemetry.recorded_service import OpenService, RecordedTelemetry, Service, trace_of
from tests.telemetry.span_trees import Tree, assert_same, exception, span

pytestmark = pytest.mark.anyio
ASK = "POST /recommend"
SECRET = "what somebody typed"
STAGES = {
    ANALYZE: "app.recommend.pipeline.analyze",
    RETRIEVE: "app.catalogue.index.SnapshotIndex.retrieve",
    SCORE: "app.recommend.fusion.Fusion.score",
    RANK: "app.recommend.answering.rank",
}
"""Where each stage can be broken."""


class Model(Fusion):
    """One that can be broken, so that fusion takes its place."""


def breaks(*_: object, **__: object) -> NoReturn:
    """Put in the place of anything."""
    raise RuntimeError(SECRET)


@pytest.mark.parametrize("quick", [True, False], ids=["here", "in a thread"])
@pytest.mark.parametrize("stage", STAGES)
async def test_a_stage_breaks(
    open_service: OpenService, monkeypatch: pytest.MonkeyPatch, stage: str, quick: bool
) -> None:
    monkeypatch.setattr("app.catalogue.index.SnapshotIndex.quick", quick)
    monkeypatch.setattr(STAGES[stage], breaks)
    async with open_service() as service:
        answer = await service.ask(BREAD)
    problem(answer, 500)
    done = takewhile(lambda each: isinstance(each, Tree) and each.name != stage, stages())
    broken = span(stage, {ERROR_TYPE: "RuntimeError"}, exception("RuntimeError", "breaks"))
    assert_same(service.tree(answer), refused(ASK, 500, "internal", *done, broken))
    _assert_told(service, answer, f"RuntimeError in “{stage}”")
    assert (service.wide_event(answer).attributes or {})[ERROR_TYPE] == "RuntimeError"
    assert service.counts(v.CORE.stage_duration)[stage, "RuntimeError"] == 1
    assert service.counts(v.RECOMMEND_DURATION) == {(None, None, None, "RuntimeError"): 1}
    assert service.counts(v.RECOMMENDATIONS) == {}


async def test_it_breaks_between_the_stages(
    open_service: OpenService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.api.recommend.to_json", breaks)
    async with open_service() as service:
        answer = await service.ask(BREAD)
    made = {**FUSION, v.DEGRADED: False, v.CACHE_OUTCOME: "miss", v.ANSWERED: YES_OR_NO}
    about = {**made, v.CORE.problem: "internal", v.RECOMMENDATION_ID: RECOMMENDATION}
    why = exception("RuntimeError", "breaks")
    assert_same(service.tree(answer), server(ASK, 500, about, v.CACHE_MISS, why, *stages()))
    _assert_told(service, answer, "unhandled error")


async def test_feedback_breaks(open_service: OpenService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.catalogue.feedback_journal.Journal.add_feedback", breaks)
    given = {"recommendation_id": "0" * 32, "document_id": "tide", "kind": "click"}
    async with open_service() as service:
        answer = await service.client.post("/feedback", json=given)
    why = exception("RuntimeError", "breaks")
    assert_same(service.tree(answer), refused("POST /feedback", 500, "internal", why))
    assert service.counts(v.CORE.stage_duration) == {(FEEDBACK, "RuntimeError"): 1}
    assert service.counts(v.FEEDBACK) == {}
    (record,) = _exceptions(service.logs_of(answer))
    _assert_has_a_stack(record)


@pytest.mark.parametrize("chosen", ["", "logs", "logs/dup"])
@pytest.mark.parametrize(
    ("broken", "status", "severity"),
    [
        ("app.recommend.answering.rank", 500, SeverityNumber.ERROR),  # in a stage
        ("app.api.recommend.to_json", 500, SeverityNumber.ERROR),  # between stages
        ("app.recommend.ranking.FallbackModel.score", 500, SeverityNumber.ERROR),
        (
            "tests.telemetry.test_trees_unexpected.Model.score",
            200,
            SeverityNumber.WARN,
        ),  # recovered
    ],
)
async def test_exceptions_go_to_the_signals_that_are_chosen(
    open_service: OpenService,
    monkeypatch: pytest.MonkeyPatch,
    chosen: str,
    broken: str,
    status: int,
    severity: SeverityNumber,
) -> None:
    """By the standard variable; each is one event a signal, however often it is logged."""
    monkeypatch.setenv(OPT_IN, chosen)
    monkeypatch.setattr("app.composition.load_model", lambda *_: FallbackModel(Model(), Fusion()))
    monkeypatch.setattr(broken, breaks)
    async with open_service() as service:
        answer = await service.ask(BREAD)
    assert answer.status_code == status
    events = [(event, each) for each in service.of_trace(answer) for event in each.events]
    on_spans = [each for event, each in events if event.name == EVENT]
    in_logs = _exceptions(service.logs_of(answer))
    assert (len(on_spans), len(in_logs)) == (chosen != "logs", chosen != "")
    for record in in_logs:
        _assert_has_a_stack(record)
        assert record.severity_number is severity
        assert record.span_id == (on_spans[0].context.span_id if on_spans else record.span_id)
    stacks = [
        each for each in service.logs_of(answer) if EXCEPTION_STACKTRACE in (each.attributes or {})
    ]
    assert len(stacks) == (1 if chosen or status == 500 else 0)
    _assert_nothing_quoted(service)


@pytest.mark.parametrize("broken", ["app.api.recommend.to_json", "app.api.documents.read"])
async def test_the_wide_event_has_the_type_of_every_failure(
    open_service: OpenService, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    """As the span of the request has, and the metric of its duration."""
    monkeypatch.setattr(broken, breaks)
    async with open_service() as service:
        path = "/recommend?q=bread" if "recommend" in broken else "/documents/tide"
        answer = await service.client.get(path)
    assert answer.status_code == 500
    assert ERROR_TYPE in (server_span(service, answer).attributes or {})
    assert ERROR_TYPE in (service.wide_event(answer).attributes or {})


async def test_telemetry_that_breaks_takes_nothing_with_it(
    open_service: OpenService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer is whole, the spans have ended, and the log says what is wrong."""
    monkeypatch.setattr("app.telemetry.kit.stages.ObservedStage._report", breaks)
    monkeypatch.setattr("app.telemetry.kit.requests.RequestTelemetry.emit", breaks)
    async with open_service() as service:
        answer = await service.ask(BREAD)
    assert recommended(answer).results
    assert {each.name for each in service.of_trace(answer)} >= {ASK, *STAGES}
    complaints = [each for each in service.logs_of(answer) if each.severity_number]
    assert len(complaints) == len(PIPELINE) + 2  # the stages, the whole, and the wide event
    for each in complaints:
        _assert_has_a_stack(each)
    _assert_nothing_quoted(service)


def _exceptions(records: list[LogRecord]) -> list[LogRecord]:
    return [each for each in records if each.event_name == EVENT]


def _assert_told(service: Service, answer: httpx.Response, body: str) -> None:
    """One exception event with the stack and the input's hash, of the span where it happened; the
    wide event and a counter say so too."""
    wide = service.wide_event(answer)
    (record,) = [each for each in service.logs_of(answer) if each is not wide]
    assert (record.event_name, record.body) == (EVENT, body)
    assert record.severity_number is SeverityNumber.ERROR
    (holder,) = [
        each for each in service.of_trace(answer) if EVENT in {e.name for e in each.events}
    ]
    assert record.span_id == holder.context.span_id
    _assert_has_a_stack(record)
    emitted, about = wide.attributes or {}, record.attributes or {}
    assert about[v.CORE.input_hash] == emitted[v.CORE.input_hash]
    assert (wide.event_name, wide.severity_number) == (v.CORE.answered, SeverityNumber.ERROR)
    assert emitted[v.CORE.problem] == "internal"
    assert service.counts(v.CORE.problem_count) == {("internal", 500): 1}
    assert int(answer.json()["trace_id"], 16) == trace_of(answer)[0]
    _assert_nothing_quoted(service)


def _assert_has_a_stack(record: LogRecord) -> None:
    about = record.attributes or {}
    assert about[EXCEPTION_TYPE] == "RuntimeError"
    assert "in breaks\n" in str(about[EXCEPTION_STACKTRACE])


def _assert_nothing_quoted(recorded: RecordedTelemetry) -> None:
    """Neither the exception's message nor the query is anywhere."""
    emitted = [
        *(each.to_json() for each in recorded.spans),
        *(each.to_json() for each in recorded.readable),
    ]
    assert "RuntimeError" in "".join(emitted)
    assert [each for each in emitted if SECRET in each or BREAD in each] == []
