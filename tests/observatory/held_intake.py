"""The intake with real servers, over an engine that a test blocks or breaks."""

import asyncio
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, cast

import httpx

from observatory.intake.grpc_server import grpc_server
from observatory.intake.http_server import otlp_http
from observatory.intake.receiver import LAYOUTS, Intake
from observatory.memory_budget import MemoryBudget
from observatory.settings import ObservatorySettings
from observatory.store.engine import Engine
from observatory.store.table_writer import Store
from tests.observatory.otlp_client import PROTOBUF, Answer, call, read
from tests.telemetry.receiver import refused_port
from tests.waiting import TIMEOUT

MOST = 8 << 20


class FakeEngine:
    """Stores inserts unless blocked; raises the given error for blocks with a word."""

    def __init__(self) -> None:
        self.may, self.begun = threading.Event(), threading.Event()
        self.may.set()
        self.held = ""
        """Part of the statement that is held back; all are, where empty."""
        self.failures: dict[bytes, Exception] = {}
        """By a word of their blocks; no hexadecimal one, or ids contain it by chance."""
        self.inserts: list[tuple[str, list[bytes]]] = []

    def insert(self, statement: str, blocks: Iterable[bytes]) -> int:
        given = list(blocks)
        if self.held in statement:
            self.begun.set()
            assert self.may.wait(TIMEOUT)
        for word, failure in self.failures.items():
            if any(word in block for block in given):
                raise failure
        self.inserts.append((statement, given))
        return len(given)

    def times(self, word: str) -> int:
        """How often blocks with this word were stored."""
        stored = (block for _, blocks in self.inserts for block in blocks)
        return sum(word.encode() in block for block in stored)


class Held:
    """Real servers, intake and store in front of a fake engine."""

    def __init__(self, room: int) -> None:
        self.engine = FakeEngine()
        self.budget = MemoryBudget(room)
        self._filled = 0
        self.store = Store(cast("Engine", self.engine), LAYOUTS, self.budget)
        self.intake = Intake(self.store, 72, self.budget)
        self.otlp, self.grpc = "http://localhost", ""
        self._http = otlp_http(self.intake, ObservatorySettings(message_bytes=MOST))

    def put(self, block: bytes) -> "Future[None]":
        """Have a block of spans stored."""
        self.budget.reserve(len(block))
        (stored,) = self.store.put({LAYOUTS[0]: [block]})
        return stored

    def hold(self, part: str = "") -> None:
        """Block inserts from now on, those whose statement contains this."""
        self.engine.held = part
        self.engine.may.clear()

    def fill(self) -> None:
        """Leave no room for anything more, until `release`."""
        self._filled = self.budget.size - self.budget.reserved
        self.budget.reserve(self._filled)

    def release(self) -> None:
        self.budget.release(self._filled)
        self._filled = 0
        self.engine.may.set()

    def post(self, signal: str, body: bytes, kind: str = PROTOBUF) -> Answer:
        """As `sending.post`, without a socket."""

        async def posted() -> httpx.Response:
            transport = httpx.ASGITransport(self._http)
            async with httpx.AsyncClient(transport=transport) as client:
                return await client.post(
                    f"{self.otlp}/v1/{signal}", content=body, headers={"content-type": kind}
                )

        # On a thread of its own: a browser's tests leave a loop running on this one.
        with ThreadPoolExecutor(1) as pool:
            return read(signal, pool.submit(asyncio.run, posted()).result())

    def call(self, signal: str, body: bytes) -> Answer:
        return call(self, signal, body)


@contextmanager
def holding(room: int = 64 << 20) -> Iterator[Held]:
    """All of it; at the end nothing is held any more. `room`: bytes that may wait."""
    with refused_port() as port:
        held = Held(room)
        held.grpc = f"http://127.0.0.1:{port}"
        with _serving(held, port):
            try:
                yield held
            finally:
                held.release()
        held.store.close()


@contextmanager
def _serving(held: Held, port: int) -> Iterator[None]:
    """OTLP over gRPC, on an event loop and a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def started() -> Any:
        server = grpc_server(held.intake, f"127.0.0.1:{port}", MOST)
        await server.start()
        return server

    server = asyncio.run_coroutine_threadsafe(started(), loop).result(TIMEOUT)
    try:
        yield
    finally:
        asyncio.run_coroutine_threadsafe(server.stop(None), loop).result(TIMEOUT)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
