"""Spans of calls that time out, and of those that the breaker prevents."""

import asyncio

import pytest
from opentelemetry._logs import SeverityNumber
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.semconv.attributes.error_attributes import ERROR_TYPE
from opentelemetry.trace import SpanKind, StatusCode

from app.recommend.stages import FETCH_TOPIC
from app.telemetry import vocabulary as v
from tests.fake_wikipedia import PATH, FakeWikipedia, fails, finds, hangs
from tests.telemetry.consistency import assert_degraded, span_of
from tests.telemetry.expected import BREAD, answered, get, noted, topic
from tests.telemetry.recorded_service import OpenService, Service, wikipedia_settings
from tests.telemetry.span_trees import assert_same
from tests.waiting import eventually

pytestmark = pytest.mark.anyio
SHORT = 0.02
"""The deadline of the topic signal, in seconds."""


async def test_the_deadline_passes(open_service: OpenService, wikipedia: FakeWikipedia) -> None:
    wikipedia.behaviour = hangs
    async with open_service(wikipedia_settings(wikipedia, deadline_seconds=SHORT)) as service:
        answer = await service.ask(BREAD)
    assert_degraded(service, answer, "topic_signal", FETCH_TOPIC, "TimeoutError")
    assert service.counts(v.TOPIC_REQUESTS) == {("timeout", "TimeoutError"): 1}
    assert service.counts(v.CORE.occurrence_count) == {}


async def test_the_call_goes_on_behind_the_answer(
    open_service: OpenService, wikipedia: FakeWikipedia
) -> None:
    """It ends after its request, and is still part of its trace."""
    wikipedia.behaviour = wikipedia.held(finds("Staling"))
    async with open_service(wikipedia_settings(wikipedia, deadline_seconds=SHORT)) as service:
        answer = await service.ask(BREAD)
        await eventually(lambda: wikipedia.calls == 1)
        wikipedia.release()
        while (await service.ask(BREAD)).json()["degraded"]:
            """The pages have not arrived yet."""
    asked = topic("timeout", 0, v.CACHE_MISS, get(200), error="TimeoutError")
    assert_same(service.tree(answer), answered(topic=asked))
    assert wikipedia.calls == 1


async def test_a_call_that_was_given_up_is_an_error(
    open_service: OpenService, wikipedia: FakeWikipedia
) -> None:
    """Its span has no status to show; it must not look as if all were well."""
    wikipedia.behaviour = hangs
    async with open_service(
        wikipedia_settings(wikipedia, timeout_seconds=0.5, attempts=1)
    ) as service:
        answer = await service.ask(BREAD)
    assert_degraded(service, answer, "topic_signal", FETCH_TOPIC, "SearchTimeout")
    assert service.counts(v.TOPIC_REQUESTS) == {("timeout", "SearchTimeout"): 1}
    call = span_of(service, answer, f"GET {PATH}")
    attributes = call.attributes or {}
    assert attributes[ERROR_TYPE] == "ReadTimeout"
    assert attributes.get(v.CORE.phase) in (
        None,
        "connect",
        "send",
        "first_byte",
    )  # how far it came
    assert call.status.status_code is StatusCode.ERROR


async def test_a_request_that_was_given_up_says_so(
    open_service: OpenService, wikipedia: FakeWikipedia
) -> None:
    """On its span as in its wide event: there is no status code."""
    wikipedia.behaviour = hangs
    async with open_service(wikipedia_settings(wikipedia)) as service:
        asked = asyncio.create_task(service.ask(BREAD))
        await eventually(lambda: wikipedia.calls == 1)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
    (event,) = [each for each in service.records if each.event_name == v.CORE.answered]
    assert (event.attributes or {})[v.CORE.aborted] is True
    assert (event.attributes or {})[ERROR_TYPE] == "CancelledError"
    assert service.counts(v.RECOMMEND_DURATION) == {(None, None, None, "CancelledError"): 1}
    assert service.counts(v.CORE.problem_count) == {("broken-off", None): 1}
    (root,) = [each for each in service.spans if each.kind is SpanKind.SERVER]
    assert (root.attributes or {})[v.CORE.aborted] is True
    assert (root.attributes or {})[ERROR_TYPE] == "CancelledError"
    assert root.status.status_code is StatusCode.ERROR


async def test_the_circuit_opens(open_service: OpenService, wikipedia: FakeWikipedia) -> None:
    """The request whose call opens it has the event; the next one makes no call."""
    wikipedia.behaviour = fails(500)
    async with open_service(
        wikipedia_settings(wikipedia, attempts=1, breaker_failures=1)
    ) as service:
        opening, spared = await service.ask(BREAD), await service.ask(BREAD)
    why = noted(v.CIRCUIT, "500")
    opens = topic("error", 0, why, v.CACHE_MISS, get(500, error="500"), error="500")
    assert_same(service.tree(opening), answered(topic=opens))
    spares = topic("open_circuit", 0, v.CACHE_MISS, error="OpenedState", cause="500")
    assert_same(service.tree(spared), answered(topic=spares))
    assert wikipedia.calls == 1
    assert service.counts(v.TOPIC_REQUESTS) == {
        ("error", "500"): 1, ("open_circuit", "OpenedState"): 1,
    }  # fmt: skip
    _assert_opened_once(service, span_of(service, opening, FETCH_TOPIC), "500")
    emitted = service.wide_event(spared).attributes or {}
    assert emitted[v.TOPIC_OUTCOME] == "open_circuit"
    assert (emitted[ERROR_TYPE], emitted[v.CORE.cause]) == ("OpenedState", "500")


async def test_the_server_asks_for_patience(
    open_service: OpenService, wikipedia: FakeWikipedia
) -> None:
    wikipedia.behaviour = fails(429, "3600")
    async with open_service(wikipedia_settings(wikipedia)) as service:
        heeding, spared = await service.ask(BREAD), await service.ask(BREAD)
    spares = topic("open_circuit", 0, v.CACHE_MISS, error="AskedToWait", cause="429")
    assert_same(service.tree(spared), answered(topic=spares))
    assert wikipedia.calls == 1
    _assert_opened_once(service, span_of(service, heeding, FETCH_TOPIC), "429")


async def test_the_circuit_opens_behind_the_answer(
    open_service: OpenService, wikipedia: FakeWikipedia
) -> None:
    """The span has ended: it is counted and logged, in the trace it belongs to."""
    wikipedia.behaviour = wikipedia.held(fails(500))
    timeout = {"deadline_seconds": SHORT, "attempts": 1, "breaker_failures": 1}
    async with open_service(wikipedia_settings(wikipedia, **timeout)) as service:
        answer = await service.ask(BREAD)
        await eventually(lambda: wikipedia.calls == 1)
        wikipedia.release()
        while (await service.ask(BREAD)).json()["degraded"] and not _noted(service):
            """The call has not failed yet."""
            service.telemetry.flush()
    asked = topic("timeout", 0, v.CACHE_MISS, get(500, error="500"), error="TimeoutError")
    assert_same(service.tree(answer), answered(topic=asked))
    _assert_opened_once(service, span_of(service, answer, FETCH_TOPIC), "500")


def _assert_opened_once(service: Service, asked: ReadableSpan, why: str) -> None:
    """The log and the metric say so and why; the record names the span of the call's request."""
    (record,) = [each for each in service.records if each.event_name == v.CIRCUIT]
    assert (record.severity_number, record.body) == (SeverityNumber.WARN, v.CIRCUIT.meaning)
    assert (record.trace_id, record.span_id) == (asked.context.trace_id, asked.context.span_id)
    assert (record.attributes or {})[ERROR_TYPE] == why
    assert service.counts(v.CORE.occurrence_count) == {(v.CIRCUIT, why): 1}


def _noted(service: Service) -> bool:
    return any(each.event_name == v.CIRCUIT for each in service.records)
