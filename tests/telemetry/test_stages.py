"""Observing a stage records its outcome, and never changes it."""

import asyncio
import logging
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.trace import INVALID_SPAN, StatusCode

from app.catalogue.feedback_journal import Kind, RecordedFeedback, Served
from app.recommend.query import NoSearchableWords
from app.recommend.stages import (
    ANALYZE,
    CIRCUIT_OPENED,
    FEEDBACK,
    FETCH_TOPIC,
    RECOMMEND,
    RETRY_STARTED,
    STAGES,
    WRITE,
)
from app.recommend.topic_signal import Evidence, Outcome
from app.recommend.types import Request
from app.telemetry import vocabulary as v
from app.telemetry.facts import REQUEST_STAGES
from app.telemetry.kit.privacy import Hasher
from app.telemetry.kit.request_record import RequestRecord, current
from tests.cases import cases
from tests.telemetry.observed_stages import QUERY, Watch

ABOUT_QUERY = {
    str(v.TERM_COUNT): 2,
    str(v.LENGTH_BUCKET): "1-20",
    str(v.OOV_RATIO): 0.5,
    str(v.CORRECTED): 0,
}
FETCHED = Evidence(Outcome.TIMEOUT, failure=TimeoutError("typed"))
SERVED = Served("id", "fusion", "1", (), (), f"00-{1:032x}-{2:016x}-01")


@pytest.fixture
def watch() -> Watch:
    return Watch()


def attributes(span: Any) -> dict[str, Any]:
    return dict(span.attributes)


def test_a_stage_without_a_request_under_way(watch: Watch) -> None:
    with watch.stages.observe(ANALYZE, Request("stale bread")) as stage:
        stage.result = QUERY
        assert trace.get_current_span().is_recording()
    assert trace.get_current_span() is INVALID_SPAN
    assert (watch.only.name, attributes(watch.only)) == (ANALYZE, ABOUT_QUERY)
    assert watch.only.status.status_code is StatusCode.UNSET
    assert watch.counted(v.CORE.stage_duration) == {frozenset({(v.CORE.stage, ANALYZE)}): 1}


def test_a_stage_of_a_request(watch: Watch) -> None:
    record = RequestRecord()
    token = current.set(record)
    for _ in range(2):
        with watch.stages.observe(ANALYZE, Request("stale bread")) as stage:
            stage.result = QUERY
    current.reset(token)
    hashed = {v.CORE.input_hash: Hasher("key")("stale bread")}
    assert record.attributes == ABOUT_QUERY | hashed
    took = sum((each.end_time or 0) - (each.start_time or 0) for each in watch.spans)
    assert record.stages == {ANALYZE: pytest.approx(took / 1e9)}


@pytest.mark.parametrize("name", [name for name in STAGES if name not in REQUEST_STAGES])
def test_every_stage_has_a_span(watch: Watch, name: str) -> None:
    with watch.stages.observe(name):
        pass
    assert watch.only.name == name


@pytest.mark.parametrize("name", [RECOMMEND, FEEDBACK])
def test_what_is_the_whole_request_has_no_span_of_its_own(watch: Watch, name: str) -> None:
    noted = RecordedFeedback(2, repeated=False, kind=Kind.CLICK, served=SERVED)
    with watch.tracer.start_as_current_span("request"), watch.stages.observe(name) as stage:
        stage.result = noted
    assert watch.only.name == "request"
    assert attributes(watch.only)[v.FEEDBACK_KIND] == "click"
    assert [link.context.span_id for link in watch.only.links] == [2]


def test_nested_stages(watch: Watch) -> None:
    with watch.stages.observe(WRITE):
        with watch.stages.observe(ANALYZE):
            pass
        with watch.stages.observe(RECOMMEND), watch.stages.observe(FETCH_TOPIC):
            pass
    analyze, fetch, write = watch.spans
    assert (analyze.name, fetch.name, write.name) == (ANALYZE, FETCH_TOPIC, WRITE)
    assert write.parent is None
    assert analyze.parent == fetch.parent == write.get_span_context()


def test_stages_side_by_side(watch: Watch) -> None:
    async def work(number: int) -> int:
        with watch.stages.observe(STAGES[number]) as stage:
            await asyncio.sleep(0)
            stage.result = QUERY
            return trace.get_current_span().get_span_context().span_id

    async def all_of_them() -> tuple[int, ...]:
        return await asyncio.gather(work(1), work(2), work(3))

    ids = asyncio.run(all_of_them())
    assert len(set(ids)) == 3
    assert [span.parent for span in watch.spans] == [None] * 3


def test_a_failure_is_reported_and_goes_on(watch: Watch) -> None:
    with pytest.raises(ZeroDivisionError), watch.stages.observe(ANALYZE):
        _ = 1 // 0
    assert watch.only.status.status_code is StatusCode.ERROR
    assert attributes(watch.only) == {"error.type": "ZeroDivisionError"}
    assert [event.name for event in watch.only.events] == ["exception"]
    [labels] = watch.counted(v.CORE.stage_duration)
    assert ("error.type", "ZeroDivisionError") in labels


def test_a_mistake_of_the_client_is_no_failure(watch: Watch) -> None:
    with pytest.raises(NoSearchableWords), watch.stages.observe(ANALYZE):
        raise NoSearchableWords
    assert watch.only.status.status_code is StatusCode.UNSET
    assert watch.counted(v.CORE.stage_duration) == {frozenset({(v.CORE.stage, ANALYZE)}): 1}


def test_a_failure_that_was_dealt_with(watch: Watch) -> None:
    with watch.stages.observe(FETCH_TOPIC) as stage:
        stage.result = FETCHED
    assert watch.only.status.status_code is StatusCode.ERROR
    assert attributes(watch.only)["error.type"] == "TimeoutError"
    assert "typed" not in watch.only.to_json()


@cases("plain", [True, False])
def test_the_text_of_a_query(plain: bool) -> None:
    watch = Watch(plain=plain)
    with watch.stages.observe(ANALYZE) as stage:
        stage.result = QUERY
    assert attributes(watch.only).get(v.QUERY_TEXT) == ("stale bread" if plain else None)


@pytest.mark.parametrize(
    ("occurrence", "level"), [(RETRY_STARTED, logging.INFO), (CIRCUIT_OPENED, logging.WARNING)]
)
def test_what_occurs_on_the_way(
    watch: Watch, occurrence: str, level: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "app")
    with watch.stages.observe(FETCH_TOPIC):
        watch.stages.note(occurrence)
    watch.stages.note(occurrence)  # after the request has ended
    assert [event.name for event in watch.only.events] == [occurrence]
    assert watch.counted(v.CORE.occurrence_count) == {
        frozenset({(v.CORE.occurrence, occurrence)}): 2
    }
    assert [each.levelno for each in caplog.records] == [level] * 2
