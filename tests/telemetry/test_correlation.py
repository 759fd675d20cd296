"""One request, found again in traces, metrics, logs and the answer by the id of its trace."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from app.recommend.stages import FETCH_TOPIC, RANK, RETRIEVE
from app.telemetry import vocabulary as v
from app.telemetry.kit import vocabulary as kit_names
from tests.cases import cases
from tests.fake_wikipedia import PATH, FakeWikipedia, fails, finds, in_turn
from tests.fakes import PIPELINE
from tests.telemetry.exporting_service import Watch, over
from tests.telemetry.received import Exemplar, Span
from tests.telemetry.receiver import Receiver
from tests.waiting import TIMEOUT

TRACERESPONSE = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-0[13]")
STAGES = (*PIPELINE, FETCH_TOPIC)
TREE = {
    "POST /recommend": sorted(STAGES),
    RETRIEVE: ["SELECT"],
    FETCH_TOPIC: [f"GET {PATH}"] * 2,
    RANK: ["SELECT"],
}
MEASURED = (
    *kit_names.OF_LIBRARIES, v.RECOMMEND_DURATION, v.TOP_SCORE,
    v.QUERY_OOV, v.CORE.stage_duration, v.RECOMMENDATIONS, v.TOPIC_REQUESTS, v.CACHE_REQUESTS,
)  # fmt: skip
READ_WHEN_SENT = {
    v.CATALOGUE_SIZE, v.CORE.active_requests, v.JOURNAL_DROPPED, "process.cpu.time",
    "process.memory.usage", "process.thread.count", "cpython.gc.collections",
    "otel.sdk.processor.span.processed", "otel.sdk.processor.log.queue.size",
    "otel.sdk.exporter.span.exported",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asked:
    """Answers, and their telemetry. For the first one Wikipedia was asked twice."""

    way: str
    recommendation: httpx.Response
    feedback: httpx.Response
    refusal: httpx.Response
    lines: list[dict[str, Any]]
    receiver: Receiver

    def spans(self, answer: httpx.Response) -> list[Span]:
        """Of the trace that an answer names."""
        trace, _ = ids(answer)
        return [span for span in self.receiver.spans if span.trace_id == trace]

    def exemplars(self, name: str, answer: httpx.Response) -> list[Exemplar]:
        """Of a metric, those from this trace."""
        trace, _ = ids(answer)
        points = [point for point in self.receiver.metrics if point.name == name]
        found = [exemplar for point in points for exemplar in point.exemplars]
        return [each for each in found if each.trace_id == trace]


def ids(answer: httpx.Response) -> tuple[str, str]:
    """Of the trace and of the server span."""
    found = TRACERESPONSE.fullmatch(answer.headers["traceresponse"])
    assert found
    return found[1], found[2]


@pytest.fixture(
    scope="module", params=["grpc gzip", pytest.param("http gzip", marks=pytest.mark.lasting)]
)
def asked(request: pytest.FixtureRequest, watch: Watch) -> Iterator[Asked]:
    protocol, _, compression = request.param.partition(" ")
    with Receiver() as receiver, FakeWikipedia() as wikipedia:
        wikipedia.behaviour = in_turn(fails(503), finds("Bread"))
        settings = {
            "VITRINE_WIKIPEDIA__ENABLED": "true",
            "VITRINE_WIKIPEDIA__BASE_URL": wikipedia.url,
            "VITRINE_WIKIPEDIA__DEADLINE_SECONDS": str(TIMEOUT),
            "VITRINE_WIKIPEDIA__TIMEOUT_SECONDS": str(TIMEOUT),
            "OTEL_EXPORTER_OTLP_COMPRESSION": compression,
        }
        with watch(over(protocol, receiver), settings) as server:
            answer = server.client.post("/recommend", json={"query": "stale bread"})
            opinion = {
                "recommendation_id": answer.json()["recommendation_id"],
                "document_id": "staling",
                "kind": "thumbs_up",
            }
            feedback = server.client.post("/feedback", json=opinion)
            refusal = server.client.post("/recommend", json={})
            server.stop()
        yield Asked(request.param, answer, feedback, refusal, server.lines, receiver)


def test_it_goes_to_the_configured_endpoint(asked: Asked) -> None:
    protocol, _, compression = asked.way.partition(" ")
    requests = asked.receiver.requests
    assert {each.signal for each in requests} == {"traces", "metrics", "logs"}
    assert {each.protocol for each in requests} == {protocol}
    if protocol == "http":  # gRPC does not expose it
        sent = {each.headers.get("content-encoding", "") for each in requests}
        assert sent == {compression}


def test_the_answer_names_its_trace(asked: Asked) -> None:
    trace, server = ids(asked.recommendation)
    assert asked.recommendation.json()["trace_id"] == trace
    assert asked.refusal.json()["trace_id"] == ids(asked.refusal)[0]
    [root] = [span for span in asked.spans(asked.recommendation) if not span.parent_id]
    assert (root.span_id, root.kind) == (server, "SERVER")
    assert len({ids(each)[0] for each in (asked.recommendation, asked.feedback)}) == 2


def test_the_whole_tree_is_of_this_trace(asked: Asked) -> None:
    spans = asked.spans(asked.recommendation)
    names = {span.span_id: span.name for span in spans}
    below: dict[str, list[str]] = {}
    for span in spans:
        if span.parent_id:
            below.setdefault(names[span.parent_id], []).append(span.name)
    assert {name: sorted(children) for name, children in below.items()} == TREE


def test_log_records_name_trace_and_span(asked: Asked) -> None:
    trace, server = ids(asked.recommendation)
    [fetching] = [span for span in asked.spans(asked.recommendation) if span.name == FETCH_TOPIC]
    records = [record for record in asked.receiver.logs if record.trace_id == trace]
    assert [(each.event_name, each.span_id) for each in records] == [
        (v.RETRY, fetching.span_id),  # made by Python's logging
        (v.SERVED, server),
    ]
    assert records[1].attributes[v.RECOMMENDATION_ID] == asked.recommendation.json()[
        "recommendation_id"
    ]  # fmt: skip


def test_lines_name_trace_and_span(asked: Asked) -> None:
    trace, _ = ids(asked.recommendation)
    emitted = [record for record in asked.receiver.logs if record.trace_id == trace]
    lines = [line for line in asked.lines if line.get("trace_id") == trace]
    assert [(line["event"], line["span_id"]) for line in lines] == [
        (record.event_name, record.span_id) for record in emitted
    ]
    of_exports = {v.CORE.batch, v.CORE.batch_items}
    about = {key: value for key, value in emitted[1].attributes.items() if key not in of_exports}
    assert about.items() <= with_tuples(lines[1]).items()


def with_tuples(line: dict[str, Any]) -> dict[str, Any]:
    """Arrays as the receiver has them."""
    return {name: tuple(value) if type(value) is list else value for name, value in line.items()}


@cases("name", MEASURED, ids=str)
def test_exemplars_lead_to_spans(asked: Asked, name: str) -> None:
    known = {span.span_id for span in asked.spans(asked.recommendation)}
    found = asked.exemplars(name, asked.recommendation)
    assert found
    assert {each.span_id for each in found} <= known


def test_each_stage_leads_to_its_own_span(asked: Asked) -> None:
    names = {span.span_id: span.name for span in asked.spans(asked.recommendation)}
    points = [point for point in asked.receiver.metrics if point.name == v.CORE.stage_duration]
    led = {
        (point.attributes[v.CORE.stage], names[each.span_id])
        for point in points
        for each in point.exemplars
        if each.span_id in names
    }
    assert led == {(stage, stage) for stage in STAGES}


def test_counters_of_what_went_wrong_lead_to_spans(asked: Asked) -> None:
    [fetching] = [span for span in asked.spans(asked.recommendation) if span.name == FETCH_TOPIC]
    retries = asked.exemplars(v.CORE.occurrence_count, asked.recommendation)
    assert [each.span_id for each in retries] == [fetching.span_id]
    problems = asked.exemplars(v.CORE.problem_count, asked.refusal)
    assert [each.span_id for each in problems] == [ids(asked.refusal)[1]]


def test_feedback_leads_back(asked: Asked) -> None:
    [keeping] = [span for span in asked.spans(asked.feedback) if span.kind == "SERVER"]
    [link] = keeping.links
    assert (link.trace_id, link.span_id) == ids(asked.recommendation)


def test_what_is_read_when_metrics_are_sent_is_sent_too(asked: Asked) -> None:
    assert {point.name for point in asked.receiver.metrics} >= set(map(str, READ_WHEN_SENT))
    [size] = asked.receiver.latest(v.CATALOGUE_SIZE)
    assert size.value == 8
