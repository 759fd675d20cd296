"""What the observatory's memory is bounded by, whatever it is sent and whoever doesn't read.

Beside the engine, which has a bound of its own, it holds at most `waiting_bytes`, what one message
takes while it is decoded, and the interpreter: BOUND is generous.
"""

import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any
from urllib.parse import urlsplit

import grpc
import httpx
import psutil
import pytest

from tests.cases import cases
from tests.observatory.messages import fresh, part, record, request
from tests.observatory.observatory_process import Observatory
from tests.observatory.otlp_client import JSON, PROTOBUF, call, http, post

pytestmark = pytest.mark.lasting

MEGABYTE = 1 << 20
WAITING, ENGINE, BOUND = 64 * MEGABYTE, 512 * MEGABYTE, 640 * MEGABYTE
"""Without a bound each of the cases below took one to six gigabytes."""
MESSAGE = 8 * MEGABYTE


EMPTY = b"\x12\0" * (MESSAGE // 2 - 50)
SPAN = request("traces", [record("traces", "x")]).resource_spans[0].scope_spans[0].spans[0]
SMALL = part(2, SPAN.SerializeToString())
CASES: dict[str, tuple[str, bytes, str]] = {
    "resources": ("traces", b"\x0a\0" * (MESSAGE // 2 - 50), PROTOBUF),
    "spans": ("traces", part(1, part(2, EMPTY)), PROTOBUF),
    "metrics": ("metrics", part(1, part(2, EMPTY)), PROTOBUF),
    "small spans": ("traces", part(1, part(2, SMALL * (MESSAGE // len(SMALL) - 1))), PROTOBUF),
    "attributes of one": (
        "traces",
        part(1, part(2, part(2, SPAN.SerializeToString() + b"\x4a\0" * (MESSAGE // 2 - 200)))),
        PROTOBUF,
    ),
    "points of one": (
        "metrics",
        part(1, part(2, part(2, part(5, b"\x0a\0" * 4_000_000)))),
        PROTOBUF,
    ),
    "JSON": (
        "traces",
        b'{"resourceSpans":[{"scopeSpans":[{"spans":[' + b"{}," * 2_700_000 + b"{}]}]}]}",
        JSON,
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Observatory]:
    """An observatory with little memory."""
    folder = tmp_path_factory.mktemp("small")
    with Observatory(folder, waiting_bytes=WAITING, memory_bytes=ENGINE) as observatory:
        yield observatory


@contextmanager
def bounded(observatory: Observatory) -> Iterator[None]:
    """Afterwards its own memory never was more than BOUND, and it works as before."""
    process, most, done = psutil.Process(observatory.process.pid), [0], threading.Event()

    def watch() -> None:
        while not done.wait(0.02):
            most[0] = max(most[0], process.memory_info().rss)

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield
    finally:
        done.set()
        watching.join()
    assert MEGABYTE < most[0] < BOUND, most[0] / MEGABYTE
    name = fresh()
    assert http(observatory, "traces", request("traces", [record("traces", name)])).code == 200
    sql = f"SELECT count() FROM otel.otel_traces WHERE SpanName = '{name}'"
    assert observatory.value(sql) == 1


@pytest.mark.parametrize(
    "case",
    [
        case if case in ("spans", "JSON") else pytest.param(case, marks=pytest.mark.lasting)
        for case in CASES
    ],
)
def test_messages_that_grow_are_bounded(small: Observatory, case: str) -> None:
    signal, message, kind = CASES[case]
    sends: list[Callable[[], Any]] = [lambda: post(small, signal, message, kind)]
    if kind == PROTOBUF:
        sends.append(lambda: call(small, signal, message, grpc.Compression.Gzip))
    with bounded(small), ThreadPoolExecutor(8) as pool:
        for answer in [pool.submit(sends[at % len(sends)]) for at in range(8)]:
            code = answer.result().code
            assert code in {0, 200, 3, 400, 8, 429, 14, 503}


@cases("endpoint", ["otlp", "clickhouse"])
def test_bodies_of_which_the_rest_never_comes_are_bounded(
    small: Observatory, endpoint: str
) -> None:
    size = MESSAGE - 2 if endpoint == "otlp" else MEGABYTE - 2
    target = urlsplit(getattr(small, endpoint))
    head = f"POST {'/v1/traces' if endpoint == 'otlp' else '/'} HTTP/1.1\r\nHost: localhost\r\n"
    head += f"Content-Type: {PROTOBUF}\r\nContent-Length: {size + 1}\r\n\r\n"
    refused = []
    with bounded(small), ExitStack() as stack:
        for _ in range(100):
            connection = stack.enter_context(
                socket.create_connection((target.hostname, target.port), 60)
            )
            try:
                connection.sendall(head.encode() + bytes(size))
                connection.setblocking(False)
                refused.append(connection.recv(1000))
            except OSError:  # nothing yet, or refused before all was sent
                pass
        health = httpx.get(f"{small.clickhouse}/ping", timeout=60)
        assert health.status_code in {200, 503}


def test_answers_that_are_not_read_are_bounded_and_refusals_say_when_to_retry(
    small: Observatory,
) -> None:
    target = urlsplit(small.clickhouse)
    query = "SELECT+repeat('x',1000000)+FROM+numbers(20)"
    with bounded(small), ExitStack() as stack:
        for _ in range(20):
            connection = stack.enter_context(
                socket.create_connection((target.hostname, target.port), 60)
            )
            connection.sendall(f"GET /?query={query} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            assert connection.recv(12)  # answered, and then not read any further
        answer = httpx.get(f"{small.clickhouse}/?query={query}", timeout=60)
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "1"
        assert answer.headers["x-clickhouse-exception-code"] == "241"
