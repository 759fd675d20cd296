"""Secrets on the ways that are not meant for them: hardly HTTP, headers of tracing, failures."""

import contextlib
import json
import socket
from collections.abc import Iterator, Mapping
from urllib.parse import quote

import httpx

from tests.api.service import NDJSON
from tests.fake_wikipedia import (
    Behaviour,
    FakeWikipedia,
    drips,
    drops,
    fails,
    finds,
    hangs,
    in_turn,
    page,
    replies,
)
from tests.telemetry.canaries import Secrets
from tests.telemetry.failing_app import FAILURES, IN_RETRIEVAL, IN_THE_MODEL, IN_THE_TOPIC_SIGNAL
from tests.telemetry.failing_app import LATE as BREAKS_OFF
from tests.waiting import TIMEOUT, until

Headers = Mapping[str, str | bytes]
PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
STATUS = {"locked": 503, "full": 507, "task": 200, "callback": 200}
"""Of the ways to fail that are not answered with 500."""
SOCKETS = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
KEY = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="


def fail(client: httpx.Client, s: Secrets) -> None:
    """Every failure there is, but that of a thread, each with what was asked in its message."""
    ways = {name: STATUS.get(name, 500) for name in FAILURES if name != "thread"}
    ways |= {IN_RETRIEVAL: 500, IN_THE_MODEL: 200, IN_THE_TOPIC_SIGNAL: 200}
    for way, status in ways.items():
        asked = {"query": f"{way} {s.query}", "user_id": s.user}
        answer = client.post("/recommend", json=asked)
        assert answer.status_code == status, (way, answer.text)
    assert client.get(f"/documents/plain-{s.word}").status_code == 500
    late = {"id": f"{BREAKS_OFF}-{s.word}", "title": s.word, "text": s.everything}
    with contextlib.suppress(httpx.RemoteProtocolError):
        client.post("/documents", content=json.dumps(late).encode(), headers=NDJSON)


def crash_a_thread(client: httpx.Client, s: Secrets) -> None:
    """A failure on a thread that is not joined."""
    client.post("/recommend", json={"query": f"thread {s.query}"}).raise_for_status()


def fail_in_a_callback(client: httpx.Client, s: Secrets) -> None:
    """A failure in what the event loop was to call, with arguments short enough to be shown."""
    client.post("/recommend", json={"query": f"callback {s.word}"}).raise_for_status()


def search_in_vain(client: httpx.Client, wikipedia: FakeWikipedia, s: Secrets) -> None:
    """Wikipedia finds something, then fails in every way, quotes the question, is not asked."""
    text = s.everything.encode()
    ways: list[Behaviour] = [
        finds(page(f"{s.word} {s.card}", s.mail, s.everything)),
        replies(500, text, {"X-Asked": s.ascii}),
        replies(404, text),
        replies(302, text, {"Location": f"http://127.0.0.1:1/{s.word}?{s.mail}"}),
        replies(200, text),
        replies(200, json.dumps({"pages": [s.everything]}).encode()),
        hangs,
        drops,
        drips,
        in_turn(fails(503), finds(s.word)),
        fails(429, retry_after="600"),
        fails(500),
    ]
    for number, behaviour in enumerate(ways):
        wikipedia.behaviour = behaviour
        asked = {"q": f"{s.query} {number}", "user_id": s.user}
        answer = client.get("/recommend", params=asked).raise_for_status()
        until(lambda: wikipedia.under_way == 0)
    assert answer.json()["degraded"] == ["topic_signal"]


def hardly_ask(client: httpx.Client, s: Secrets) -> Iterator[bytes]:
    """What is answered to requests that are hardly HTTP."""
    end = f"Host: {s.word}\r\nConnection: close\r\n\r\n"
    body = "Content-Type: application/json\r\nContent-Length: 900\r\n"
    chunked = "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n"
    for head in (
        f"{s.word.upper()} / HTTP/1.1\r\n{end}",
        f"{s.everything}\r\n\r\n",
        f"GET /{s.everything} HTTP/1.1\r\n{end}",
        f"GET http://{s.word}.example/{s.mail}?{s.user} HTTP/1.1\r\n{end}",
        f"CONNECT {s.word}:443 HTTP/1.1\r\n{end}",
        f"OPTIONS * HTTP/1.1\r\n{end}",
        f"GET / HTTP/1.1\r\n{s.word} {s.mail}\r\n{end}",
        f"POST /recommend HTTP/1.1\r\nContent-Length: {s.word}\r\n{end}",
        f"POST /recommend HTTP/1.1\r\n{body}{end}{s.everything}",  # the rest never comes: 408
        f"POST /recommend HTTP/1.1\r\n{chunked}{end}{s.everything}\r\n",
    ):
        yield raw(client, head.encode())


def badly_traced(s: Secrets) -> Iterator[Headers]:
    """What a client may say of its own trace in a wrong way, and baggage."""
    known = {"traceparent": PARENT}
    yield {"traceparent": s.ascii}
    yield {"traceparent": f"00-{s.word}-{s.user}-01"}
    yield {"b3": s.ascii, "uber-trace-id": s.ascii, "x-amzn-trace-id": s.ascii}
    for state in (s.ascii, f"{s.word}={s.mail}=", f"{s.word.upper()}=1", f"{s.word}=1,{s.word}=2"):
        yield known | {"tracestate": state}
    yield known | {"tracestate": ",".join(f"{s.word}{n}=1" for n in range(40))}
    yield {"baggage": f"{s.word}={s.mail},vitrine.user={s.user}"}
    yield {"baggage": s.ascii}
    yield {"baggage": f"{s.word} {s.user}={s.mail}"}
    yield {"baggage": f"{s.word}={'x' * 5000}"}
    yield {"baggage": f"{s.word}=" + s.mail * 400}
    yield {"baggage": f"{s.accented}={s.mail}".encode("latin-1")}


def well_traced(s: Secrets) -> Iterator[Headers]:
    """As the standard has it: other systems' word on the trace, for whoever comes after them."""
    yield {"traceparent": PARENT, "tracestate": f"{s.word}={s.token}"}
    yield {"traceparent": PARENT, "tracestate": f"other={s.mail.replace('@', '.')},{s.user}=1"}


def trace(client: httpx.Client, all_headers: Iterator[Headers]) -> None:
    """Send each where all is well, and where it is not."""
    for headers in all_headers:
        for status, path in ((200, "/recommend?q=bread"), (404, "/nowhere")):
            emitted = {name.encode(): _bytes(value) for name, value in headers.items()}
            assert client.get(path, headers=emitted).status_code == status


def _bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode()


def open_sockets(client: httpx.Client, s: Secrets) -> Iterator[bytes]:
    """What is answered to those who want a web socket."""
    for path in (f"/nowhere/{s.word}", f"/recommend?q={quote(s.everything)}"):
        about = f"Host: {s.word}\r\nUser-Agent: {s.mail}\r\nSec-WebSocket-Protocol: {s.token}\r\n"
        yield raw(client, f"GET {path} HTTP/1.1\r\n{about}{SOCKETS}{KEY}\r\n\r\n".encode())


def raw(client: httpx.Client, emitted: bytes) -> bytes:
    """What is answered to this, until the service hangs up."""
    address = client.base_url.host, client.base_url.port or 80
    with socket.create_connection(address, timeout=TIMEOUT) as connection:
        connection.sendall(emitted)
        return connection.makefile("rb").read()
