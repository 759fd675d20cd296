"""Propagation across processes, threads and tasks, and of nothing more than allowed."""

import asyncio

import httpx
import pytest

from app.recommend.topic_signal import Evidence
from app.telemetry import vocabulary as v
from app.wikipedia.client import SENT_HEADERS
from app.wikipedia.signal import WikipediaSignal
from tests.api.service import recommended
from tests.fake_wikipedia import PATH, FakeWikipedia, finds
from tests.telemetry.consistency import server_span, span_of
from tests.telemetry.expected import answered, get, ranked, topic
from tests.telemetry.recorded_service import OpenService, Service, trace_of, wikipedia_settings
from tests.telemetry.span_trees import assert_same
from tests.waiting import eventually

pytestmark = pytest.mark.anyio
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SAMPLED, UNSAMPLED = f"00-{TRACE}-{PARENT}-01", f"00-{TRACE}-{PARENT}-00"
FOUND = topic("hit", 2, v.CACHE_MISS, get(200))


async def test_the_caller_s_trace_is_continued(
    open_service: OpenService, wikipedia: FakeWikipedia
) -> None:
    async with open_service(wikipedia_settings(wikipedia)) as service:
        answer = await service.ask("stale bread", {"traceparent": SAMPLED})
    assert_same(service.tree(answer), answered(topic=FOUND))
    parent = server_span(service, answer).parent
    assert parent is not None
    assert (parent.trace_id, parent.span_id) == (int(TRACE, 16), int(PARENT, 16))
    assert int(TRACE, 16) in {each.context.trace_id for each in service.spans}
    assert answer.json()["trace_id"] == TRACE
    (call,) = wikipedia.received
    assert call.headers["traceparent"] == _traceparent(service, answer)


@pytest.mark.parametrize(("text", "arrives"), [("plain", "vendor=one"), ("hash", None)])
async def test_a_state_anybody_can_write_is_handed_on_like_other_text(
    open_service: OpenService, wikipedia: FakeWikipedia, text: str, arrives: str | None
) -> None:
    telemetry = {"logs": "off", "query_text": text}
    async with open_service(wikipedia_settings(wikipedia), telemetry=telemetry) as service:
        await service.ask("stale bread", {"traceparent": SAMPLED, "tracestate": "vendor=one"})
    (call,) = wikipedia.received
    assert call.headers.get("tracestate") == arrives


async def test_a_trace_of_its_own_goes_to_wikipedia(
    open_service: OpenService, wikipedia: FakeWikipedia
) -> None:
    async with open_service(wikipedia_settings(wikipedia)) as service:
        answer = await service.ask("stale bread")
    assert server_span(service, answer).parent is None
    (call,) = wikipedia.received
    assert call.headers["traceparent"] == _traceparent(service, answer)
    assert "tracestate" not in call.headers
    assert "baggage" not in call.headers


async def test_an_unsampled_trace_makes_no_spans(
    open_service: OpenService, wikipedia: FakeWikipedia
) -> None:
    """The answer, the wide event and the metrics are complete, and name the trace."""
    async with open_service(wikipedia_settings(wikipedia)) as service:
        answer = await service.ask("stale bread", {"traceparent": UNSAMPLED})
    assert recommended(answer).trace_id == TRACE
    assert int(TRACE, 16) not in {each.context.trace_id for each in service.spans}
    assert answer.headers["traceresponse"].startswith(f"00-{TRACE}-")
    assert answer.headers["traceresponse"].endswith("-00")
    assert service.wide_event(answer).span_id == trace_of(answer)[1]
    assert service.counts(v.RECOMMENDATIONS) == {("fusion", "2", False): 1}
    (call,) = wikipedia.received
    assert call.headers["traceparent"].startswith(f"00-{TRACE}-")
    assert call.headers["traceparent"].endswith("-00")


@pytest.mark.parametrize(
    "broken", ["", "nonsense", f"00-{'0' * 32}-{PARENT}-01", f"ff-{TRACE}-{PARENT}-01"]
)
async def test_a_traceparent_that_is_invalid_is_ignored(
    open_service: OpenService, broken: str
) -> None:
    async with open_service() as service:
        answer = await service.ask("stale bread", {"traceparent": broken})
    assert recommended(answer).trace_id == f"{1:032x}"
    assert server_span(service, answer).parent is None


@pytest.mark.parametrize("trace_context", [False, True])
async def test_nothing_else_of_a_caller_is_handed_on(
    open_service: OpenService, wikipedia: FakeWikipedia, trace_context: bool
) -> None:
    headers = {
        "traceparent": SAMPLED, "baggage": "user=ada,vitrine.x=1", "cookie": "a=b",
        "x-b3-traceid": TRACE,
    }  # fmt: skip
    async with open_service(wikipedia_settings(wikipedia, trace_context=trace_context)) as service:
        answer = await service.ask("stale bread", headers)
    (call,) = wikipedia.received
    context = {"traceparent": _traceparent(service, answer)} if trace_context else {}
    assert call.headers.keys() == SENT_HEADERS | context.keys()
    assert context.items() <= call.headers.items()


async def test_requests_at_once_do_not_mix(
    open_service: OpenService, wikipedia: FakeWikipedia
) -> None:
    wikipedia.behaviour = wikipedia.held(finds("Bread", "Tide"))
    texts = ("stale bread", "wild yeast", "starch water", "black hole")
    async with (
        open_service(wikipedia_settings(wikipedia)) as service,
        asyncio.TaskGroup() as tasks,
    ):
        asked = [tasks.create_task(service.ask(text)) for text in texts]
        await eventually(lambda: wikipedia.calls == len(texts))
        wikipedia.release()
    answers = {text: each.result() for text, each in zip(texts, asked, strict=True)}
    assert len({trace_of(each) for each in answers.values()}) == len(texts)
    called = {call.params["q"][0]: call.headers["traceparent"] for call in wikipedia.received}
    for text, answer in answers.items():
        shown = len(recommended(answer).results)
        assert_same(service.tree(answer), answered(topic=FOUND, rank=ranked(shown, pages=True)))
        assert called[text] == _traceparent(service, answer)
        about = server_span(service, answer).attributes or {}
        assert about[v.RECOMMENDATION_ID] == answer.json()["recommendation_id"]
        emitted = service.wide_event(answer).attributes or {}
        assert emitted[v.RECOMMENDATION_ID] == answer.json()["recommendation_id"]


async def test_a_shared_call_belongs_to_who_asked_first(
    open_service: OpenService, wikipedia: FakeWikipedia, monkeypatch: pytest.MonkeyPatch
) -> None:
    aboard, flight = [], WikipediaSignal._call

    def boarded(signal: WikipediaSignal, text: str) -> asyncio.Task[Evidence]:
        aboard.append(text)
        return flight(signal, text)

    monkeypatch.setattr(WikipediaSignal, "_call", boarded)
    wikipedia.behaviour = wikipedia.held(finds("Bread", "Tide"))
    async with (
        open_service(wikipedia_settings(wikipedia)) as service,
        asyncio.TaskGroup() as tasks,
    ):
        first = tasks.create_task(service.ask("stale bread"))
        await eventually(lambda: wikipedia.calls == 1)
        second = tasks.create_task(service.ask("Stale Bread"))
        await eventually(lambda: aboard == ["stale bread", "Stale Bread"])
        wikipedia.release()
    assert_same(service.tree(first.result()), answered(topic=FOUND))
    assert_same(service.tree(second.result()), answered(topic=topic("hit", 2, v.CACHE_MISS)))
    assert wikipedia.calls == 1


def _traceparent(service: Service, answer: httpx.Response) -> str:
    """Of the span of the call to the stand-in."""
    call = span_of(service, answer, f"GET {PATH}").context
    return f"00-{call.trace_id:032x}-{call.span_id:016x}-01"
