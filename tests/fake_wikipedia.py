"""A real HTTP server in the place of Wikipedia's search: it answers well, or fails on demand.

with FakeWikipedia() as wikipedia:
    wikipedia.behaviour = fails(500)
    … point the settings at wikipedia.url …
    assert wikipedia.calls == 2
"""

import asyncio
import json
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

PATH = "/w/rest.php/v1/search/page"


@dataclass(frozen=True, slots=True)
class Call:
    """One request as it came in; `at` in seconds of the monotonic clock."""

    params: Mapping[str, list[str]]
    headers: Mapping[str, str]
    writer: asyncio.StreamWriter
    at: float = field(default_factory=time.monotonic)


Behaviour = Callable[[Call], Awaitable[None]]


def page(title: str, description: str | None = None, excerpt: str = "") -> dict[str, Any]:
    """A page as the search API describes it."""
    return {
        "id": len(title),
        "key": title.replace(" ", "_"),
        "title": title,
        "excerpt": excerpt,
        "matched_title": None,
        "description": description,
        "thumbnail": None,
    }


def replies(status: int, body: bytes, headers: Mapping[str, str] | None = None) -> Behaviour:
    """Answers each call with this."""

    async def reply(call: Call) -> None:
        lines = [f"HTTP/1.1 {status} Answer", f"Content-Length: {len(body)}", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        call.writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        await call.writer.drain()

    return reply


def finds(*pages: dict[str, Any] | str) -> Behaviour:
    """Answers each call with these pages; a text is a title."""
    found = [page(each) if isinstance(each, str) else each for each in pages]
    return replies(200, json.dumps({"pages": found}).encode())


def fails(status: int, retry_after: str | None = None) -> Behaviour:
    """Answers each call with an error status."""
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    return replies(status, b'{"httpReason": "no"}', headers)


async def hangs(_: Call) -> None:
    """Takes the call and never answers."""
    await asyncio.Event().wait()


async def drops(call: Call) -> None:
    """Breaks the connection off without an answer."""
    call.writer.transport.abort()


async def drips(call: Call) -> None:
    """Begins an answer, and sends a byte of it now and then, without end."""
    call.writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        call.writer.write(b" ")
        await call.writer.drain()
        await asyncio.sleep(0.02)


def in_turn(*behaviours: Behaviour) -> Behaviour:
    """One behaviour for each call; the last one for all that follow."""
    remaining = list(behaviours)

    async def behave(call: Call) -> None:
        await (remaining.pop(0) if len(remaining) > 1 else remaining[0])(call)

    return behave


class FakeWikipedia:
    """The server, on a thread of its own."""

    def __init__(self) -> None:
        self.behaviour: Behaviour = finds("Bread", "Staling")
        self.received: list[Call] = []
        self.under_way = 0
        self.most_under_way = 0
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="stand-in")

    @property
    def calls(self) -> int:
        """How many requests came in so far."""
        return len(self.received)

    def held(self, then: Behaviour) -> Behaviour:
        """Behaves so once `release` was called, and hangs until then."""

        async def behave(call: Call) -> None:
            await self._released.wait()
            await then(call)

        return behave

    def release(self) -> None:
        """Let the held calls go on."""
        self._loop.call_soon_threadsafe(self._released.set)

    def __enter__(self) -> Self:
        self._thread.start()
        self._started.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._released, self._stopped = asyncio.Event(), asyncio.Event()
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}{PATH}"
        self._started.set()
        async with server:
            await self._stopped.wait()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._answer(_parsed(await reader.readuntil(b"\r\n\r\n"), writer), reader)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            return  # the client went away, or the stand-in was stopped
        finally:
            writer.close()

    async def _answer(self, call: Call, reader: asyncio.StreamReader) -> None:
        """Behave, until the client hangs up."""
        self.received.append(call)
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        behaving = asyncio.ensure_future(self.behaviour(call))
        hung_up = asyncio.ensure_future(reader.read(1))
        try:
            await asyncio.wait({behaving, hung_up}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.under_way -= 1
            behaving.cancel()
            hung_up.cancel()
            await asyncio.gather(behaving, hung_up, return_exceptions=True)


def _parsed(head: bytes, writer: asyncio.StreamWriter) -> Call:
    first, *lines = head.decode("latin-1").strip().split("\r\n")
    query = urlsplit(first.split(" ")[1]).query
    headers = dict(line.split(": ", 1) for line in lines)
    return Call(
        parse_qs(query, keep_blank_values=True),
        {key.lower(): value for key, value in headers.items()},
        writer,
    )
