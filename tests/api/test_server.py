"""What only shows on real sockets and between processes."""

import json
import shutil
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.server import Server
from tests.api.service import JSON, NDJSON, WRITER, ids, problem, recommended
from tests.cases import cases
from tests.fake_wikipedia import FakeWikipedia, hangs
from tests.waiting import SOON, TIMEOUT, until

pytestmark = pytest.mark.lasting

ZEPPELIN = {"title": "Zeppelin", "text": "A rigid airship filled with hydrogen."}


def seen(server: Server, query: str) -> list[str]:
    """The ids of everything that is recommended."""
    return ids(recommended(server.client.get("/recommend", params={"q": query, "limit": 50})))


def lines(count: int, name: str = "n") -> Iterator[bytes]:
    """Documents, one a line."""
    for number in range(count):
        content = {"id": f"{name}-{number}", "title": f"Number {number}", "text": "A number."}
        yield json.dumps(content).encode() + b"\n"


@pytest.fixture(scope="module")
def shared_data(tmp_path_factory: pytest.TempPathFactory, shelf_file: Path) -> Path:
    folder = tmp_path_factory.mktemp("served")
    shutil.copy(shelf_file, folder)
    return folder


@pytest.fixture(scope="module")
def server(shared_data: Path) -> Iterator[Server]:
    """Each test writes documents of its own names."""
    with Server(shared_data, shared_data / "log") as running:
        yield running


def test_another_process_sees_every_write(server: Server, shared_data: Path) -> None:
    with Server(shared_data, shared_data / "other log") as other:
        assert "zeppelin" not in seen(other, "airship")
        written = server.client.put("/documents/zeppelin", json=ZEPPELIN, headers=WRITER)
        assert written.status_code == 201
        assert seen(other, "airship")[0] == "zeppelin"
        other.client.delete("/documents/zeppelin", headers=WRITER).raise_for_status()
        assert "zeppelin" not in seen(server, "airship")
        server.client.post("/documents", content=lines(150), headers=NDJSON).raise_for_status()
        assert "n-149" in seen(other, "number 149")


def test_reads_go_on_during_writes(server: Server) -> None:
    written = threading.Event()
    outcomes: list[str] = []

    def write() -> None:
        with server.client.stream(
            "POST", "/documents", content=lines(1_000, "read"), headers=NDJSON
        ) as got:
            outcomes.extend(json.loads(line)["outcome"] for line in got.iter_lines())
        written.set()

    writer = threading.Thread(target=write)
    writer.start()
    reads, slowest = 0, 0.0
    while not written.is_set():
        started = time.monotonic()
        assert seen(server, "stale bread")
        slowest, reads = max(slowest, time.monotonic() - started), reads + (not written.is_set())
    writer.join()
    assert outcomes == ["created"] * 1_000
    assert reads > 1  # more than one was answered before the end
    assert slowest < SOON
    until(lambda: "read-999" in seen(server, "number 999"))  # a bulk import is seen soon


def test_outcomes_are_sent_while_lines_are_still_being_written(server: Server) -> None:
    with server.client.stream(
        "POST", "/documents", content=lines(5_000, "late"), headers=NDJSON
    ) as got:
        first = json.loads(next(got.iter_lines()))
        page = server.client.get("/documents/late-0")
        assert (first["outcome"], page.status_code) == ("created", 200)
        late = server.client.get("/documents/late-4999").status_code
    assert late == 404


def test_a_body_without_end_is_cut_off(served: Server) -> None:
    problem(served.client.post("/recommend", content=lines(5000), headers=JSON), 413)


def test_a_body_declared_too_large_is_refused_before_it_comes(served: Server) -> None:
    head = b"Content-Type: application/json\r\nContent-Length: 5001\r\n\r\n"
    assert status_of(served, head).split()[1] == b"413"


def status_of(server: Server, head: bytes) -> bytes:
    """The first line of the answer to a POST of which only this is sent."""
    address = server.client.base_url
    with socket.create_connection((address.host, address.port or 0), timeout=TIMEOUT) as connection:
        connection.sendall(b"POST /recommend HTTP/1.1\r\nHost: localhost\r\n" + head)
        return connection.makefile("rb").readline()


@cases(
    "head",
    [
        b"Content-Length: 99999999999999999999999999",
        b"Content-Length: " + b"9" * 5000,
        b"Content-Length: -1",
        b"Content-Length: five",
        b"Content-Length: 5\r\nContent-Length: 6",
        b"Content-Length: 5\r\nTransfer-Encoding: chunked",
        b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"Host: \xff\xfe",
    ],
)
def test_what_is_hardly_http_never_breaks_it(served: Server, head: bytes) -> None:
    status = status_of(served, b"Content-Type: application/json\r\n" + head + b"\r\n\r\n{}")
    assert status == b"" or status.split()[1].startswith(b"4")
    assert served.client.get("/livez").status_code == 200
    assert "Traceback" not in served.output


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that is shared by what changes nothing."""
    data = tmp_path_factory.mktemp("served")
    with Server(data, data / "log", VITRINE_LIMITS__BODY_BYTES="5000") as running:
        yield running


def test_the_deadline_holds_and_it_stops_while_wikipedia_hangs(
    shelf_data: Path, wikipedia: FakeWikipedia
) -> None:
    wikipedia.behaviour = hangs
    variables = {
        "VITRINE_WIKIPEDIA__ENABLED": "true",
        "VITRINE_WIKIPEDIA__BASE_URL": wikipedia.url,
        "VITRINE_WIKIPEDIA__TIMEOUT_SECONDS": "60",
    }
    with Server(shelf_data, shelf_data / "log", **variables) as server:
        started = time.monotonic()
        found = recommended(server.client.get("/recommend", params={"q": "stale bread"}))
        assert time.monotonic() - started < SOON
        assert (found.degraded, ids(found)[0]) == (["topic_signal"], "staling")
        until(lambda: wikipedia.under_way == 1)
        server.client.close()
        assert server.stop() in (0, -signal.SIGTERM)
        until(lambda: wikipedia.under_way == 0)
        assert "Traceback" not in server.output
