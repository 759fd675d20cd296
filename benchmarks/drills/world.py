"""The system under drill: the service, its observatory and a stand-in for Wikipedia's search."""

import asyncio
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx

from app.settings import Settings
from benchmarks.servers import free_port

PATH = "/w/rest.php/v1/search/page"
TOKEN = "a-token-of-the-drills-only"
STARTING_SECONDS = 90
_PREPARING = threading.Lock()
Answer = tuple[int, bytes]
Behaviour = Callable[[str], Awaitable[Answer | None]]
"""Answers a query with a status and a body; None breaks the connection off."""


async def found(query: str) -> Answer:
    """What a healthy search answers."""
    await asyncio.sleep(0.02)
    page = {"title": query[:60] or "x", "description": None, "excerpt": query}
    return 200, json.dumps({"pages": [page]}).encode()


class Search(threading.Thread):
    """The stand-in: answers as its `behaviour` says."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.behaviour: Behaviour = found
        self.port = free_port()
        self.start()

    def run(self) -> None:
        """Serve for the life of the process."""
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        async with await asyncio.start_server(self._answer, "127.0.0.1", self.port) as server:
            await server.serve_forever()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            query = parse_qs(urlsplit(head.split(" ")[1]).query).get("q", [""])[0]
            answer = await self.behaviour(query)
            if answer is not None:
                status, body = answer
                lines = f"HTTP/1.1 {status} Answer\r\nContent-Length: {len(body)}\r\n"
                writer.write(f"{lines}Connection: close\r\n\r\n".encode() + body)
                await writer.drain()
            else:
                writer.transport.abort()
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()


def _prepared(folder: Path) -> Path:
    """A folder with the seed catalogue, to copy from."""
    with _PREPARING:
        if not folder.exists():
            subprocess.run(
                [sys.executable, "-m", "app", "prepare"],
                env=os.environ | {"VITRINE_DATA": str(folder)},
                check=True,
                capture_output=True,
            )
    return folder


class World:
    """The running system. `restart` is a deploy; `fresh` also restores the data.

    `window`: seconds that a fault lasts.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.search = folder, Search()
        self.window = 12.0
        self.page, self.otlp, self.clickhouse = free_port(), free_port(), free_port()
        self.port = free_port()
        self.observatory = self._process(
            ["observatory", "serve"],
            {
                "OBSERVATORY_PAGE_PORT": str(self.page),
                "OBSERVATORY_HTTP_PORT": str(self.otlp),
                "OBSERVATORY_GRPC_PORT": str(free_port()),
                "OBSERVATORY_CLICKHOUSE_PORT": str(self.clickhouse),
                "OBSERVATORY_DATA": str(folder / "observatory"),
            },
            "observatory.log",
        )
        self._wait(self.page, "/")
        self.prepared = _prepared(folder.with_name("prepared"))
        self.service: subprocess.Popen[bytes] | None = None
        self.restart(fresh=True)

    @property
    def data(self) -> Path:
        """The folder of the service's data."""
        return self.folder / "data"

    @property
    def pid(self) -> int:
        """Of the service."""
        assert self.service is not None
        return self.service.pid

    def restart(
        self,
        *,
        fresh: bool = False,
        change: Callable[[Path], None] = lambda _: None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """Stop the service, change its data and settings, and start it again."""
        if self.service is not None:
            self.service.send_signal(signal.SIGCONT)
            self.service.terminate()
            self.service.wait(30)
        if fresh:
            shutil.rmtree(self.data, ignore_errors=True)
            shutil.copytree(self.prepared, self.data)
        change(self.data)
        defaults = {
            "VITRINE_DATA": str(self.data),
            "VITRINE_TOKEN": TOKEN,
            "VITRINE_SERVER__PORT": str(self.port),
            "VITRINE_SERVER__PROXIES": "127.0.0.1",
            "VITRINE_LEXICAL_INDEX": "fts5",
            "VITRINE_WIKIPEDIA__BASE_URL": f"http://127.0.0.1:{self.search.port}{PATH}",
            "VITRINE_WIKIPEDIA__CACHE_SECONDS": "30",
            "VITRINE_WIKIPEDIA__BREAKER_SECONDS": "4",
            "VITRINE_WIKIPEDIA__DEADLINE_SECONDS": "0.8",
            "VITRINE_LIMITS__REQUESTS_PER_SECOND": "20",
            "VITRINE_LIMITS__BURST": "40",
            "VITRINE_LIMITS__QUEUE_SECONDS": "1",
            "VITRINE_TELEMETRY__HASH_KEY": "key-of-the-drills",
            "VITRINE_TELEMETRY__LOGS": "off",
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{self.otlp}",
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_METRIC_EXPORT_INTERVAL": "2000",
        }
        if "faults" in Settings.model_fields:
            defaults["VITRINE_FAULTS__ALLOWED"] = "true"
        self.service = self._process(
            ["app", "serve"], defaults | dict(settings or {}), "service.log"
        )
        with suppress(PermissionError):  # less of the other processes' load in the baseline
            os.setpriority(os.PRIO_PROCESS, self.pid, -5)
        self._wait(self.port, "/livez")

    def close(self) -> None:
        """End both processes."""
        for process in (self.service, self.observatory):
            if process is not None:
                process.send_signal(signal.SIGCONT)
                process.terminate()
                process.wait(30)

    @contextmanager
    def database(self, name: str = "catalogue.db") -> Iterator[sqlite3.Connection]:
        """A connection of another process to a database of the service."""
        connection = sqlite3.connect(
            self.data / name, timeout=20, isolation_level=None, check_same_thread=False
        )
        try:
            yield connection
        finally:
            connection.close()

    def _process(
        self, module: list[str], environment: dict[str, str], log: str
    ) -> subprocess.Popen[bytes]:
        with (self.folder / log).open("ab") as output:
            return subprocess.Popen(
                [sys.executable, "-m", *module],
                env=os.environ | environment,
                stdout=output,
                stderr=output,
            )

    def _wait(self, port: int, path: str) -> None:
        deadline = time.monotonic() + STARTING_SECONDS
        while time.monotonic() < deadline:
            try:
                httpx.get(f"http://127.0.0.1:{port}{path}", timeout=5)
            except httpx.HTTPError:
                time.sleep(0.2)
            else:
                return
        raise RuntimeError(f"nothing answers on port {port}; see the logs in {self.folder}")
