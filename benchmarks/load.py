"""A bounded HTTP/1.1 load on a local server over a few keep-alive connections."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count

import httptools
import numpy as np


@dataclass(frozen=True, slots=True)
class Measured:
    """Requests a second, latencies in seconds, and the number of responses other than 200."""

    rate: float
    p50: float
    p99: float
    failed: int


def post(path: str, body: bytes) -> bytes:
    """A request, ready to be sent."""
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


class _Connection(asyncio.Protocol):
    """Sends the next request when the last response is complete, until the time `until`."""

    def __init__(self, requests: Iterator[bytes], until: float) -> None:
        self._requests, self._until = requests, until
        self.latencies: list[float] = []
        self.failed = 0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send()

    def _send(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._sent = time.perf_counter()
        self._transport.write(next(self._requests))

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        now = time.perf_counter()
        self.latencies.append(now - self._sent)
        self.failed += self._parser.get_status_code() != 200
        if now < self._until:
            asyncio.get_running_loop().call_soon(self._send)
        else:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self.failed += exc is not None
        if not self.done.done():
            self.done.set_result(None)


async def _run(port: int, bodies: Sequence[bytes], connections: int, seconds: float) -> Measured:
    loop = asyncio.get_running_loop()
    turn = count()
    requests = (bodies[next(turn) % len(bodies)] for _ in iter(int, 1))
    started = time.perf_counter()
    opened = []
    for _ in range(connections):
        _, made = await loop.create_connection(
            lambda: _Connection(requests, started + seconds), "127.0.0.1", port
        )
        opened.append(made)
    await asyncio.gather(*(each.done for each in opened))
    took = time.perf_counter() - started
    latencies = np.concatenate([each.latencies for each in opened])
    p50, p99 = np.percentile(latencies, [50, 99])
    failed = sum(each.failed for each in opened)
    return Measured(len(latencies) / took, float(p50), float(p99), failed)


def load(port: int, requests: Sequence[bytes], connections: int, seconds: float) -> Measured:
    """Send the requests in turn, over `connections` connections, for `seconds` seconds."""
    return asyncio.run(_run(port, requests, connections, seconds))
