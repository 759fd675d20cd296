"""Bounds of connections, on real sockets: what one client can hold, and for how long."""

import json
import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import psutil
import pytest

from tests.api.server import Server
from tests.api.service import NDJSON
from tests.cases import cases
from tests.waiting import until

pytestmark = pytest.mark.lasting

ASK = b"GET /recommend?q=bread HTTP/1.1\r\nHost: localhost\r\n\r\n"
STRICT = {
    "VITRINE_LIMITS__IN_FLIGHT": "2",
    "VITRINE_LIMITS__CLIENT_CONNECTIONS": "20",
    "VITRINE_LIMITS__HEAD_SECONDS": "1",
    "VITRINE_LIMITS__WRITE_SECONDS": "1",
    "VITRINE_LIMITS__UNSENT_BYTES": "3000000",
}
LONG = 20_000
"""Characters of a document; two hundred are more than the system's buffers take."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data = tmp_path_factory.mktemp("bounded")
    with Server(data, data / "log", **STRICT) as running:
        text = "long " * (LONG // 5)
        documents = [{"id": f"l-{n}", "title": f"T {n}", "text": text} for n in range(200)]
        lines = "".join(json.dumps(each) + "\n" for each in documents)
        running.client.post("/documents", content=lines, headers=NDJSON).raise_for_status()
        yield running
        assert "Traceback" not in running.output


@pytest.fixture
def client() -> Iterator["Clients"]:
    with Clients() as clients:
        yield clients


class Clients(ExitStack):
    """Opens connections, and closes them at the end."""

    def open(self, server: Server, source: str = "127.0.0.1") -> socket.socket:
        """A connection from an address of this machine; it reads at most a few kilobytes ahead."""
        connection = self.enter_context(socket.socket())
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(30)
        connection.bind((source, 0))
        address = server.client.base_url
        connection.connect((address.host, address.port))
        return connection


def status(connection: socket.socket) -> int | None:
    """The status of the next answer; None where the connection is closed without one."""
    try:
        line = connection.makefile("rb").readline()
    except ConnectionError:
        return None
    return int(line.split()[1]) if line else None


def closed(connection: socket.socket) -> bool:
    """Whether the other side has closed it, after whatever it sent."""
    connection.settimeout(0.05)
    try:
        while connection.recv(65_536):
            pass
    except TimeoutError:
        return False
    except ConnectionError:
        pass
    return True


def answered(server: Server, clients: Clients) -> int | None:
    """The status that a client at another address gets."""
    other = clients.open(server, "127.0.0.9")
    other.sendall(ASK)
    return status(other)


ENDLESS = {
    "a header": b"GET /livez HTTP/1.1\r\nHost: localhost\r\nA: " + b"b" * 1_000_000,
    "a header's name": b"GET /livez HTTP/1.1\r\nHost: localhost\r\n" + b"b" * 1_000_000,
    "an address": b"GET /" + b"b" * 1_000_000,
    "headers": b"GET /livez HTTP/1.1\r\nHost: localhost\r\n" + b"a: b\r\n" * 100_000,
    "empty lines": b"\r\n" * 500_000,
    "a chunk's extension": b"POST /recommend HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: "
    b"chunked\r\nContent-Type: application/json\r\n\r\n5;" + b"b" * 1_000_000,
    "trailers": b"POST /recommend HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
    b"Content-Type: application/json\r\n\r\n1\r\n{\r\n0\r\n" + b"a: b\r\n" * 100_000,
}


@cases("what", ENDLESS)
def test_what_has_no_end_is_cut_off(server: Server, client: Clients, what: str) -> None:
    connection = client.open(server)
    try:
        connection.sendall(ENDLESS[what])
        assert status(connection) in (400, 431, None)
    except ConnectionError:  # closed while this was still sending
        pass
    until(lambda: closed(connection))
    assert answered(server, client) == 200


def test_a_head_that_is_too_large_is_reported(server: Server, client: Clients) -> None:
    for head in (b"A: " + b"b" * 33_000, b"a: b\r\n" * 101):
        connection = client.open(server)
        connection.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n" + head)
        assert status(connection) == 431


def test_a_large_head_within_the_bound_is_fine(server: Server, client: Clients) -> None:
    connection = client.open(server)
    head = b"Cookie: " + b"b" * 30_000 + b"\r\n" + b"a: b\r\n" * 50 + b"\r\n"
    connection.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n" + head)
    assert status(connection) == 200


@cases("sent", [b"", b"GET /livez HTTP/1.1\r\nHost: local", ASK + b"GET /l"])
def test_a_head_that_does_not_come_is_not_waited_for(
    server: Server, client: Clients, sent: bytes
) -> None:
    """Whether nothing came, or a part; also on a connection that was used before."""
    connection = client.open(server)
    connection.sendall(sent)
    until(lambda: closed(connection))


def test_a_part_now_and_then_does_not_make_it_wait_longer(server: Server, client: Clients) -> None:
    connection = client.open(server)
    connection.sendall(b"GET /livez HTTP/1.1\r\nA: ")

    def drips() -> bool:
        try:
            connection.sendall(b"b")
        except ConnectionError:
            return True
        return closed(connection)

    until(drips)


def test_answers_that_are_not_read_hold_nothing_up(server: Server, client: Clients) -> None:
    """More of them than there are places; in the end they are cut off."""
    unread = [client.open(server) for _ in range(5)]
    for connection in unread:
        connection.sendall(b"GET /documents?limit=200 HTTP/1.1\r\nHost: localhost\r\n\r\n" * 3)
    until(lambda: all(answered(server, client) == 200 for _ in range(5)))
    process = psutil.Process(server.pid)
    until(lambda: len(process.net_connections()) <= 7)  # it listens, and has its own client


def test_many_requests_at_once_on_a_connection_are_answered_in_part(
    server: Server, client: Clients
) -> None:
    """The rest is dropped: the last answer closes the connection."""
    connection = client.open(server)
    connection.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n" * 2000)
    with connection.makefile("rb") as answers:
        try:
            output = answers.read()
        except ConnectionError:
            output = b""
    count = len(re.findall(rb"HTTP/1.1 200", output))
    assert count < 200
    assert count == 0 or b"connection: close" in output[output.rindex(b"HTTP/1.1") :]


def test_one_client_has_so_many_connections_and_no_more(server: Server, client: Clients) -> None:
    connections = [client.open(server) for _ in range(60)]
    statuses = []
    for connection in connections:
        try:
            connection.sendall(ASK)
            statuses.append(status(connection))
        except ConnectionError:
            statuses.append(None)
    assert 1 <= statuses.count(200) <= 20
    assert 503 in statuses
    assert set(statuses) <= {200, 503, None}
    assert answered(server, client) == 200
    assert server.client.get("/livez").status_code == 200


def test_places_are_given_back_when_the_answer_is_made(server: Server, client: Clients) -> None:
    """Of two, with a body and without."""
    until(lambda: server.client.get("/categories").status_code == 200)  # others are closed by now
    for _ in range(5):
        connection = client.open(server)
        connection.sendall(ASK)
        assert status(connection) == 200
        answer = server.client.post("/recommend", json={"query": "bread"})
        assert answer.status_code == 200
