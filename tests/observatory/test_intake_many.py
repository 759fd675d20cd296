"""Concurrent senders: all that was acknowledged is stored, once."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from google.rpc import code_pb2

from tests.cases import cases
from tests.observatory.messages import NAMES, TABLES, fresh, record, request
from tests.observatory.observatory_process import Observatory
from tests.observatory.otlp_client import Answer, http, http_json_gzip, over_grpc, retry_seconds

SENDERS, MESSAGES, RECORDS = 24, 4, 5
CROWD = 80


def together(senders: int, send: Callable[[int], Answer]) -> list[Answer]:
    """The answers to senders that begin at the same moment."""
    ready = threading.Barrier(senders)

    def one(number: int) -> Answer:
        ready.wait()
        return send(number)

    with ThreadPoolExecutor(senders) as pool:
        return list(pool.map(one, range(senders)))


@pytest.mark.lasting
@cases("signal", sorted(TABLES))
def test_all_that_was_acknowledged_is_there_once(observatory: Observatory, signal: str) -> None:
    group = fresh()
    ways: list[Any] = [http, http_json_gzip, over_grpc]

    def send(number: int) -> Answer:
        way = ways[number % len(ways)]
        for message in range(MESSAGES):
            each = [record(signal, f"{group} {number} {message} {at}") for at in range(RECORDS)]
            answer: Answer = way(observatory, signal, request(signal, each))
            assert answer.code in {0, 200}
        return answer

    together(SENDERS, send)
    [row] = observatory.rows(
        f"SELECT count() AS all, uniqExact({NAMES[signal]}) AS different FROM {TABLES[signal]} "
        f"WHERE startsWith({NAMES[signal]}, '{group}')"
    )
    assert row == {"all": SENDERS * MESSAGES * RECORDS, "different": row["all"]}


@pytest.mark.lasting
@cases("way", [http, over_grpc])
def test_a_crowd_is_served_or_asked_to_retry(observatory: Observatory, way: Any) -> None:
    """Senders give up on RESOURCE_EXHAUSTED without a retry delay."""
    name = fresh()
    answers = together(
        CROWD, lambda _: way(observatory, "logs", request("logs", [record("logs", name)]))
    )
    refused = [answer for answer in answers if answer.code not in {0, 200}]
    for answer in refused:
        assert answer.code in {429, code_pb2.RESOURCE_EXHAUSTED}
        assert retry_seconds(answer.content) is not None
    sql = f"SELECT count() FROM otel.otel_logs WHERE Body = '{name}'"
    assert observatory.value(sql) == CROWD - len(refused)
