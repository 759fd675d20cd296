"""Responses to senders when memory is short, when storing fails, and at shutdown."""

import logging
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from google.rpc import code_pb2
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric

from observatory.intake import receiver
from observatory.memory_budget import BudgetExceeded
from observatory.store.engine import EngineError
from observatory.store.table_writer import WriterClosed
from tests.observatory.held_intake import Held, holding
from tests.observatory.messages import TABLES, fresh, gauge, record, request
from tests.observatory.otlp_client import JSON, PROTOBUF, Answer, retry_seconds
from tests.waiting import TIMEOUT

SIGNALS = sorted(TABLES)
TRACES = receiver.TRACES


@pytest.fixture
def held() -> Iterator[Held]:
    with holding() as parts:
        yield parts


def body(signal: str, name: str = "one") -> bytes:
    return bytes(request(signal, [record(signal, name)]).SerializeToString())


def block(name: str) -> bytes:
    """A block for the store that is no block: the engine is none either."""
    return f"[{name}]".encode()


def filled(held: Held, signal: str, pool: ThreadPoolExecutor) -> "Future[Any]":
    """Have one message wait for the engine, beside which there is no room."""
    held.hold()
    first = pool.submit(held.post, signal, body(signal))
    assert held.engine.begun.wait(TIMEOUT)
    held.fill()
    return first


def asked_to_retry(answer: Answer, http: int, code: int) -> None:
    assert answer.code in {http, code}
    assert answer.content.code == code
    assert retry_seconds(answer.content) == receiver.RETRY_SECONDS
    if answer.code == http:
        assert answer.headers["retry-after"] == str(receiver.RETRY_SECONDS)


@pytest.mark.parametrize("kind", [PROTOBUF, JSON])
@pytest.mark.parametrize("signal", SIGNALS)
def test_without_room_it_is_a_429_with_the_time_to_wait(held: Held, signal: str, kind: str) -> None:
    with ThreadPoolExecutor() as pool:
        first = filled(held, signal, pool)
        message = body(signal) if kind == PROTOBUF else b"{}"
        asked_to_retry(held.post(signal, message, kind), 429, code_pb2.RESOURCE_EXHAUSTED)
        held.release()
        assert first.result(TIMEOUT).code == 200


@pytest.mark.parametrize("signal", SIGNALS)
def test_without_room_it_is_resource_exhausted_with_the_time_to_wait(
    held: Held, signal: str
) -> None:
    with ThreadPoolExecutor() as pool:
        first = filled(held, signal, pool)
        asked_to_retry(held.call(signal, body(signal)), 429, code_pb2.RESOURCE_EXHAUSTED)
        held.release()
        assert first.result(TIMEOUT).code == 200
        assert held.call(signal, body(signal)).code == 0


def test_a_message_without_room_for_all_of_it_is_not_stored_in_part(held: Held) -> None:
    """It will be sent again: what was stored of it would be there twice."""
    total, name = Metric(name="t"), fresh()
    total.sum.data_points.add(time_unix_nano=gauge("g").gauge.data_points[0].time_unix_nano)
    only_sum = request("metrics", [total]).SerializeToString()
    both = request("metrics", [gauge(name), total]).SerializeToString()
    with ThreadPoolExecutor() as pool:
        held.hold("otel_metrics_sum")
        first = pool.submit(held.post, "metrics", only_sum)
        assert held.engine.begun.wait(TIMEOUT)
        held.fill()
        assert held.post("metrics", both).code == 429
        held.release()
        assert first.result(TIMEOUT).code == 200
        assert held.post("metrics", both).code == 200
    assert held.engine.times(name) == 1


def test_what_waited_is_no_longer_counted(held: Held) -> None:
    for _ in range(3):
        assert held.post("traces", body("traces")).code == 200


FAILURES = [EngineError("disk full"), RuntimeError("chdb"), MemoryError(), OSError(28, "no space")]


@pytest.mark.parametrize("failure", FAILURES, ids=repr)
@pytest.mark.parametrize("way", ["post", "call"])
def test_what_can_not_be_stored_is_to_be_sent_again(
    held: Held, way: str, failure: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    held.engine.failures[b"unlucky"] = failure
    send = getattr(held, way)
    asked_to_retry(send("traces", body("traces", "unlucky")), 503, code_pb2.UNAVAILABLE)
    # Nor does it end with that.
    assert send("traces", body("traces", "good")).code in {0, 200}


def test_a_bad_block_fails_no_other_insert() -> None:
    with holding() as held:
        held.engine.failures[b"unlucky"] = EngineError("odd")
        held.hold()
        first = held.put(block("first"))
        assert held.engine.begun.wait(TIMEOUT)
        waiting = {n: held.put(block(n)) for n in ("one", "unlucky", "two")}
        held.release()
        assert first.result(TIMEOUT) is None
        assert {n: each.exception(TIMEOUT) is None for n, each in waiting.items()} == {
            "one": True,
            "unlucky": False,
            "two": True,
        }
        assert [held.engine.times(n) for n in ("first", "one", "unlucky", "two")] == [1, 1, 0, 1]


def test_what_gathers_meanwhile_goes_in_together() -> None:
    with holding() as held:
        held.hold()
        first = held.put(block("first"))
        assert held.engine.begun.wait(TIMEOUT)
        waiting = [held.put(block(str(number))) for number in range(9)]
        held.release()
        for each in (first, *waiting):
            each.result(TIMEOUT)
        assert [len(blocks) for _, blocks in held.engine.inserts] == [1, 9]


def test_room_is_counted_in_bytes() -> None:
    with holding(room=100) as held:
        held.hold()
        for _ in range(4):
            held.put(b"x" * 25)
        with pytest.raises(BudgetExceeded):
            held.put(b"x")


def test_an_insert_that_takes_too_long_is_not_waited_for(
    held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiver, "INSERT_SECONDS", 0)
    held.hold()
    asked_to_retry(held.post("traces", body("traces")), 503, code_pb2.UNAVAILABLE)


def test_what_waits_is_stored_before_it_stops() -> None:
    with holding() as held, ThreadPoolExecutor() as pool:
        held.hold()
        waiting = [held.put(block(str(number))) for number in range(3)]
        closing = pool.submit(held.store.close)
        held.release()
        closing.result(TIMEOUT)
        assert all(each.done() and each.exception() is None for each in waiting)


@pytest.mark.parametrize("way", ["post", "call"])
@pytest.mark.parametrize("signal", SIGNALS)
def test_while_it_stops_nothing_more_is_taken(held: Held, signal: str, way: str) -> None:
    held.store.close()
    assert isinstance(held.put(b"late").exception(TIMEOUT), WriterClosed)
    answer = getattr(held, way)(signal, body(signal))
    asked_to_retry(answer, 503, code_pb2.UNAVAILABLE)
