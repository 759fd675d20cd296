"""The receiver of these tests, told things by the real exporters of the SDK."""

import socket
import threading
from collections.abc import Iterator

import grpc
import pytest
from opentelemetry._logs import SeverityNumber
from opentelemetry.trace import Link, SpanKind, StatusCode

from tests.telemetry.exporting import RESOURCE, export_span, exporting
from tests.telemetry.received import Event
from tests.telemetry.receiver import Receiver, accept, black_hole, hang, refuse, refused_port, slow
from tests.waiting import until

IMPATIENT, PATIENT = 0.1, 10
"""Seconds that an exporter gives a receiver."""

pytestmark = pytest.mark.usefixtures("nothing_left")
both = pytest.mark.parametrize("protocol", ["grpc", "http"])


@pytest.fixture
def nothing_left() -> Iterator[None]:
    """No thread runs after a test that did not run before."""
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


@pytest.fixture
def receiver(nothing_left: None) -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


def endpoint(receiver: Receiver, protocol: str) -> str:
    return receiver.grpc_endpoint if protocol == "grpc" else receiver.http_endpoint


def listens(endpoint: str) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", int(endpoint.rpartition(":")[2]))) == 0


@both
def test_spans(receiver: Receiver, protocol: str) -> None:
    with exporting(protocol, endpoint(receiver, protocol)) as sdk:
        tracer = sdk.tracing.get_tracer("here")
        with tracer.start_as_current_span("root", kind=SpanKind.SERVER) as span:
            context = span.get_span_context()
            with tracer.start_as_current_span("leaf", links=[Link(context, {"n": 1})]) as inner:
                inner.set_attributes({"words": ["a", "b"], "share": 0.5, "canary": "tweet"})
                inner.add_event("happened", {"well": True})
                inner.set_status(StatusCode.ERROR, "no")

    leaf, root = receiver.await_spans(lambda spans: len(spans) == 2)
    assert (root.name, root.kind, root.status, root.parent_id) == ("root", "SERVER", "UNSET", "")
    assert (root.scope, root.resource) == ("here", RESOURCE.attributes)
    assert (root.trace_id, root.span_id) == (f"{context.trace_id:032x}", f"{context.span_id:016x}")
    assert (leaf.kind, leaf.status, leaf.status_message) == ("INTERNAL", "ERROR", "no")
    assert (leaf.trace_id, leaf.parent_id) == (root.trace_id, root.span_id)
    assert leaf.attributes == {"words": ("a", "b"), "share": 0.5, "canary": "tweet"}
    assert leaf.events == (Event("happened", {"well": True}),)
    assert [(link.span_id, link.attributes) for link in leaf.links] == [(root.span_id, {"n": 1})]
    assert root.start_ns <= leaf.start_ns <= leaf.end_ns <= root.end_ns
    assert [b"tweet" in body for body in receiver.raw] == [True, False]


@both
def test_metrics(receiver: Receiver, protocol: str) -> None:
    with exporting(protocol, endpoint(receiver, protocol)) as sdk:
        meter = sdk.metering.get_meter("here")
        asked, took = meter.create_counter("asked", "{query}"), meter.create_histogram("took", "s")
        meter.create_gauge("level").set(7.5)
        with sdk.tracing.get_tracer("here").start_as_current_span("measured"):
            took.record(0.3, {"route": "/"})
        for _ in range(2):
            asked.add(2, {"kind": "new", "page": 1})
            asked.add(1, {"kind": "old"})
            sdk.metering.force_flush()

    [span] = receiver.spans
    [new] = receiver.latest("asked", kind="new")
    assert (new.value, new.attributes, new.unit) == (4, {"kind": "new", "page": 1}, "{query}")
    assert (new.kind, new.temporality, new.monotonic) == ("sum", "cumulative", True)
    assert sum(point.value for point in receiver.latest("asked")) == 6
    [level] = receiver.latest("level")
    assert (level.kind, level.temporality, level.value) == ("gauge", "", 7.5)
    [histogram] = receiver.latest("took", route="/")
    assert (histogram.kind, histogram.value, histogram.count) == ("histogram", 0.3, 1)
    assert (len(histogram.buckets), sum(histogram.buckets)) == (len(histogram.bounds) + 1, 1)
    first = next(point for point in receiver.metrics if point.name == "took")
    assert [each.span_id for each in first.exemplars] == [span.span_id]
    assert (first.scope, first.resource) == ("here", RESOURCE.attributes)
    assert first.start_ns <= first.time_ns < histogram.time_ns


@both
def test_logs(receiver: Receiver, protocol: str) -> None:
    with (
        exporting(protocol, endpoint(receiver, protocol)) as sdk,
        sdk.tracing.get_tracer("here").start_as_current_span("told"),
    ):
        sdk.logging.get_logger("there").emit(
            body={"said": ["much"]},
            severity_number=SeverityNumber.WARN,
            severity_text="WARNING",
            event_name="saying",
            attributes={"n": 1},
        )

    [span] = receiver.spans
    [record] = receiver.await_logs(lambda logs: len(logs) == 1)
    assert (record.body, record.severity) == ({"said": ("much",)}, "WARN")
    assert (record.event_name, record.attributes, record.scope) == ("saying", {"n": 1}, "there")
    assert (record.trace_id, record.span_id) == (span.trace_id, span.span_id)


@both
def test_compressed_bodies_are_kept_as_they_were(receiver: Receiver, protocol: str) -> None:
    with exporting(protocol, endpoint(receiver, protocol), "gzip") as sdk:
        sdk.tracing.get_tracer("here").start_span("tweet").end()

    [request] = receiver.requests
    assert b"tweet" in request.body
    assert request.spans[0].name == "tweet"
    if protocol == "http":
        assert request.headers["content-encoding"] == "gzip"
    assert "OTLP" in request.headers["user-agent"]


@both
def test_refusing(receiver: Receiver, protocol: str) -> None:
    receiver.behaviour = refuse(grpc.StatusCode.INVALID_ARGUMENT, 400)
    assert not export_span(protocol, endpoint(receiver, protocol), PATIENT)
    receiver.behaviour = refuse()
    assert not export_span(protocol, endpoint(receiver, protocol), IMPATIENT)
    assert receiver.spans == []
    assert all(b"alone" in body for body in receiver.raw)

    receiver.behaviour = accept
    assert export_span(protocol, endpoint(receiver, protocol), PATIENT)
    assert len(receiver.spans) == 1
    assert receiver.calls == 3


@both
def test_hanging_and_being_slow(receiver: Receiver, protocol: str) -> None:
    for behaviour in (hang, slow(60)):
        receiver.behaviour = behaviour
        assert not export_span(protocol, endpoint(receiver, protocol), IMPATIENT)
    receiver.behaviour = slow(0.1)
    assert export_span(protocol, endpoint(receiver, protocol), PATIENT)
    assert len(receiver.spans) == 1  # those who gave up were not taken in later


@both
def test_a_change_holds_for_calls_under_way(receiver: Receiver, protocol: str) -> None:
    receiver.behaviour = hang
    told = protocol, endpoint(receiver, protocol), PATIENT
    sender = threading.Thread(target=export_span, args=told)
    sender.start()
    until(lambda: receiver.calls == 1)
    receiver.behaviour = accept
    sender.join()
    assert len(receiver.spans) == 1


@both
def test_it_stops_under_a_call_and_another_comes_back(protocol: str) -> None:
    with Receiver() as receiver:
        receiver.behaviour = hang
        told = protocol, endpoint(receiver, protocol), 0.7
        sender = threading.Thread(target=export_span, args=told)
        sender.start()
        until(lambda: receiver.calls == 1)
    assert not any(map(listens, (receiver.grpc_endpoint, receiver.http_endpoint)))
    sender.join()
    with Receiver(port=receiver.grpc_port) as back:
        assert back.grpc_endpoint == receiver.grpc_endpoint
        assert export_span("grpc", back.grpc_endpoint, PATIENT)


def test_nobody_there() -> None:
    with black_hole() as endpoint:
        assert listens(endpoint)
        assert not export_span("grpc", endpoint, IMPATIENT)
        assert not export_span("http", endpoint, IMPATIENT)
    with refused_port() as port:
        assert not listens(f"http://127.0.0.1:{port}")
        with Receiver(port=port) as receiver:
            assert export_span("grpc", receiver.grpc_endpoint, PATIENT)
