"""Trace headers of responses, and requests without a trace."""

import re

import httpx
import pytest

from app.recommend.stages import ANALYZE, FEEDBACK, FETCH_TOPIC, RECOMMEND
from app.telemetry import vocabulary as v
from tests.api.service import NDJSON, NO_TELEMETRY, WRITER, client_of, recommended
from tests.fake_wikipedia import FakeWikipedia
from tests.fakes import PIPELINE
from tests.telemetry.consistency import server_span
from tests.telemetry.expected import BREAD
from tests.telemetry.recorded_service import OpenService, trace_of, wikipedia_settings

pytestmark = pytest.mark.anyio
TIMING = re.compile(r"(\w+);dur=(\d+\.\d{3})")
TOTAL = "total"


def timing(answer: httpx.Response) -> dict[str, float]:
    """The milliseconds in `Server-Timing`, by name, in its order."""
    parts = [TIMING.fullmatch(each) for each in answer.headers["server-timing"].split(", ")]
    assert all(parts), answer.headers["server-timing"]
    return {each[1]: float(each[2]) for each in parts if each}


def in_headers(*stages: str) -> list[str]:
    """As they are called there; there is a total at the end."""
    return [*(name.replace(" ", "_") for name in stages), TOTAL]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/recommend?q=bread", 200),
        ("GET", "/documents/staling/similar", 200),
        ("GET", "/documents/tide", 200),
        ("GET", "/categories", 200),
        ("GET", "/version", 200),
        ("DELETE", "/documents/tide", 204),
        ("GET", "/nowhere", 404),
        ("POST", "/documents", 415),
        ("GET", "/recommend?q=", 422),
    ],
)
async def test_every_response_names_its_trace(
    open_service: OpenService, method: str, path: str, status: int
) -> None:
    async with open_service() as service:
        body = b"x" if method == "POST" else None
        answer = await service.client.request(method, path, headers=WRITER, content=body)
    assert answer.status_code == status
    root = server_span(service, answer).context
    assert trace_of(answer) == (root.trace_id, root.span_id)
    assert list(timing(answer))[-1] == TOTAL
    event = service.wide_event(answer)
    assert (event.trace_id, event.span_id) == trace_of(answer)
    if "trace_id" in answer.text:
        assert answer.json()["trace_id"] == f"{root.trace_id:032x}"


async def test_the_stages_are_timed(open_service: OpenService, wikipedia: FakeWikipedia) -> None:
    async with open_service(wikipedia_settings(wikipedia)) as service:
        first, kept = await service.ask(BREAD), await service.ask(BREAD)
    expected = in_headers(*PIPELINE, FETCH_TOPIC, RECOMMEND)
    assert sorted(timing(first)) == sorted(expected)  # two of them run at once
    assert list(timing(kept)) == in_headers(ANALYZE, FETCH_TOPIC, RECOMMEND)
    for answer in (first, kept):
        emitted = timing(answer)
        assert all(0 < each < emitted[TOTAL] for name, each in emitted.items() if name != TOTAL)


async def test_the_wide_event_has_the_same_times(open_service: OpenService) -> None:
    async with open_service() as service:
        answer = await service.ask(BREAD)
    about = service.wide_event(answer).attributes or {}
    emitted = timing(answer)
    for stage in (*PIPELINE, RECOMMEND):
        (name, _) = in_headers(stage)
        assert about[v.CORE.stage_durations[stage]] == pytest.approx(emitted[name] / 1000)


async def test_feedback_is_timed_too(open_service: OpenService) -> None:
    async with open_service() as service:
        found = recommended(await service.ask(BREAD))
        given = {"recommendation_id": found.recommendation_id, "kind": "click"}
        answer = await service.client.post("/feedback", json=given | {"document_id": "staling"})
    assert set(in_headers(FEEDBACK)) <= set(timing(answer))  # and the wait for the lock


@pytest.mark.parametrize("prefix", ["", "/behind/a/proxy"])
async def test_probes_and_pages_leave_no_telemetry(open_service: OpenService, prefix: str) -> None:
    """Also where a proxy serves the application under a path of its own."""
    paths = ["/livez", "/readyz", "/", "/docs", "/openapi.json", "/runbook", "/static/page.js"]
    async with open_service() as service, client_of(service.running, root_path=prefix) as client:
        answers = [await client.get(prefix + path) for path in paths]
    assert [each.status_code for each in answers] == [200] * len(paths)
    assert [each for each in answers if "traceresponse" in each.headers] == []
    assert service.spans == ()
    assert [each for each in service.records if each.trace_id] == []  # the start has none


async def test_a_prefix_of_a_proxy_is_in_no_name(open_service: OpenService) -> None:
    async with open_service() as service, client_of(service.running, root_path="/v") as client:
        answer = await client.get("/v/documents/docs")  # no page, whatever its name
        posted = await client.post("/v/documents", content=b"{}\n", headers=NDJSON)
        schema = (await client.get("/v/openapi.json")).json()
    assert server_span(service, answer).name == "GET /documents/{document_id}"
    assert posted.status_code == 200
    assert schema["servers"][0] == {"url": "/v"}


async def test_a_trace_that_is_asked_for_says_so(open_service: OpenService) -> None:
    async with open_service() as service:
        asked = await service.ask(BREAD, {"vitrine-debug": "1"})
        plain = [await service.ask(BREAD, headers) for headers in ({}, {"vitrine-debug": "0"})]
    assert (server_span(service, asked).attributes or {})[v.CORE.debug] is True
    assert (service.wide_event(asked).attributes or {})[v.CORE.debug] is True
    for each in plain:
        assert v.CORE.debug not in (server_span(service, each).attributes or {})


async def test_the_headers_can_be_turned_off(open_service: OpenService) -> None:
    async with open_service(telemetry={"logs": "off", "response_headers": False}) as service:
        answer = await service.ask(BREAD)
    assert {"traceresponse", "server-timing"}.isdisjoint(answer.headers)
    assert [each.event_name for each in service.records if each.trace_id] == [v.SERVED]


async def test_telemetry_that_is_off_emits_nothing(open_service: OpenService) -> None:
    async with open_service(telemetry=NO_TELEMETRY) as service:
        answer = await service.ask(BREAD)
        lost = await service.client.get("/nowhere")
    assert recommended(answer).trace_id is None
    assert "trace_id" not in lost.json()
    assert {"traceresponse", "server-timing"}.isdisjoint(answer.headers)
    assert (service.spans, service.records, service.metrics.exports) == ((), [], [])
