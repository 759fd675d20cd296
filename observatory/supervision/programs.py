"""The programs that the supervisor runs: how each is started, and when it is ready."""

import asyncio
import json
import os
import re
import secrets
import shlex
import signal
import sys
from asyncio.subprocess import PIPE
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, NamedTuple, Protocol
from urllib.parse import urlsplit

from observatory.console import print_message
from observatory.supervision.guarded_process import GuardedProcess

ROOT = Path(__file__).parents[2]
OUT_OF_MEMORY = "If nobody killed it, the system may have, for lack of memory: see dmesg."


class Endpoints(NamedTuple):
    """URLs at which a process receives OTLP."""

    grpc: str
    http: str


class Program(Protocol):
    """A program that is restarted when it ends."""

    name: str
    """For the beginning of a sentence."""

    async def start(self) -> GuardedProcess:
        """Start a process of it."""

    async def ready(self, process: GuardedProcess) -> bool:
        """Wait until it has started; False: it has ended, and printed the reason."""

    def has_finished(self, status: int, *, established: bool) -> bool:
        """Whether a process ended as it should; `established`: one has run for a while before."""

    async def where_to_look(self, status: int) -> str:
        """What a person should look at after a process has ended unexpectedly."""


class Observatory:
    """An observatory; restarted on the ports of its first process, which senders know."""

    name = "The observatory"
    PORTS: ClassVar = {
        "page": "PAGE",
        "otlp": "GRPC",
        "otlp_http": "HTTP",
        "clickhouse": "CLICKHOUSE",
    }
    BEHIND_COLLECTOR: ClassVar = {"OBSERVATORY_GRPC_PORT": "4327", "OBSERVATORY_HTTP_PORT": "4328"}
    """Its ports when a Collector has the standard ones."""

    def __init__(self, *, behind_collector: bool) -> None:
        self.endpoints, self.page = Endpoints("", ""), ""
        self._defaults = self.BEHIND_COLLECTOR if behind_collector else {}
        self._ports: Mapping[str, str] = {}

    async def start(self) -> GuardedProcess:
        """Start it; it prints its endpoints when it is ready."""
        return await GuardedProcess.start(
            (sys.executable, "-m", "observatory", "serve", "--beside"),
            {**self._defaults, **os.environ, **self._ports},
            stdout=PIPE,
        )

    async def ready(self, process: GuardedProcess) -> bool:
        """Read its endpoints."""
        stdout = process.process.stdout
        line = await stdout.readline() if stdout else b""
        if not line:
            return False
        found: Mapping[str, str] = json.loads(line)
        self.endpoints, self.page = Endpoints(found["otlp"], found["otlp_http"]), found["page"]
        self._ports = {
            f"OBSERVATORY_{name}_PORT": str(urlsplit(found[server]).port)
            for server, name in self.PORTS.items()
        }
        return True

    def has_finished(self, status: int, *, established: bool) -> bool:  # noqa: ARG002
        """Never: it runs until the supervisor stops it."""
        return False

    async def where_to_look(self, status: int) -> str:
        """Its messages, or the kernel's."""
        look = OUT_OF_MEMORY if status == -signal.SIGKILL else "Its message is above."
        return f"{look} What it has stored is kept."


class Collector:
    """A Collector that exports to an observatory."""

    name = "The Collector"
    READY = b"Everything is ready"
    SHOWN_LOG_LINES = (b'"level":"error"', b'"level":"fatal"', b"Error: ")
    LAST_LINES = 3
    """Shown when it ends."""
    DEFAULTS: ClassVar = {
        "COLLECTOR_HASH_KEY": secrets.token_hex(),
        "GOMEMLIMIT": "400MiB",
        "COLLECTOR_SAMPLING_PERCENTAGE": "100",
        "COLLECTOR_DECISION_WAIT": "5s",
        "COLLECTOR_DECISION_WAIT_AFTER_ROOT": "1s",
    }
    """For one developer's machine: no sampling, short delays."""
    LOG_LEVEL: ClassVar = {"COLLECTOR_LOG_LEVEL": "info"}
    """The level at which it logs READY."""

    def __init__(self, binary: str, to: Observatory) -> None:
        self._binary, self._to = binary, to
        self._last: deque[str] = deque(maxlen=self.LAST_LINES)
        self._reading_log: asyncio.Task[None] | None = None
        host, ports = os.environ.get("COLLECTOR_HOST", "127.0.0.1"), os.environ.get
        self.endpoints = Endpoints(
            f"http://{host}:{ports('COLLECTOR_GRPC_PORT', '4317')}",
            f"http://{host}:{ports('COLLECTOR_HTTP_PORT', '4318')}",
        )

    async def start(self) -> GuardedProcess:
        """Start it; its log is read until it ends."""
        files = (ROOT / "otel-collector-config.yaml", ROOT / "collector/backends/otlp.yaml")
        target = {"OTLP_ENDPOINT": self._to.endpoints.http, "OTLP_TOKEN": "none"}
        return await GuardedProcess.start(
            (self._binary, *(word for file in files for word in ("--config", str(file)))),
            {**self.DEFAULTS, **os.environ, **target, **self.LOG_LEVEL},
            stderr=PIPE,
        )

    async def ready(self, process: GuardedProcess) -> bool:
        """Wait until its log says so."""
        ready = asyncio.Event()
        self._reading_log = asyncio.create_task(self._read_log(process, ready))
        await ready.wait()
        return not self._reading_log.done()

    async def _read_log(self, process: GuardedProcess, ready: asyncio.Event) -> None:
        """Read the log until it ends: set `ready`, print errors, keep the last lines."""
        log = process.process.stderr
        while log and not log.at_eof():
            try:
                line = await log.readline()
            except ValueError:  # longer than the limit
                continue
            if self.READY in line:
                ready.set()
            elif any(mark in line for mark in self.SHOWN_LOG_LINES):
                print_message(line.decode(errors="replace").strip())
            elif line.strip():
                self._last.append(line.decode(errors="replace").strip()[:500])
        ready.set()

    def has_finished(self, status: int, *, established: bool) -> bool:  # noqa: ARG002
        """Never: it runs until the supervisor stops it."""
        return False

    async def where_to_look(self, status: int) -> str:
        """The end of its log, or the kernel's."""
        if self._reading_log:
            await self._reading_log  # its pipe is closed: the group has been killed
        if status == -signal.SIGKILL:
            return OUT_OF_MEMORY
        return "\n".join(["The end of its log:", *self._last])


class Command:
    """The command that the supervisor was called with: the service."""

    ASKED_TO_STOP = (0, -signal.SIGTERM, -signal.SIGINT)

    def __init__(self, words: Sequence[str], to: Observatory | Collector, page: str) -> None:
        self._words, self._page = words, page
        self._addresses = _addresses(to.endpoints, page)
        self.name = f"The service ({shlex.join((Path(words[0]).name, *words[1:]))[:80]})"

    async def start(self) -> GuardedProcess:
        """Start it with the addresses, unless the environment names others."""
        return await GuardedProcess.start(self._words, {**self._addresses, **os.environ})

    async def ready(self, process: GuardedProcess) -> bool:  # noqa: ARG002
        """True: a command says in no common way that it is ready."""
        return True

    def has_finished(self, status: int, *, established: bool) -> bool:
        """Whether it was asked to stop, or gave up at its start, such as for an invalid setting."""
        return status in self.ASKED_TO_STOP or (status > 0 and not established)

    async def where_to_look(self, status: int) -> str:
        """What it logged."""
        killed = f" {OUT_OF_MEMORY}" if status == -signal.SIGKILL else ""
        return f"Its last log records: {self._page}/logs{killed}"


def _addresses(endpoints: Endpoints, page: str) -> Mapping[str, str]:
    """Environment variables that give the command the endpoints."""
    protocol = os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL", "").strip().lower()
    over_http = protocol.startswith("http")  # any other value means gRPC, as in the service
    if any(re.fullmatch("OTEL_EXPORTER_OTLP_(.*_)?ENDPOINT", name) for name in os.environ):
        return {}  # the user has chosen another backend
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoints.http if over_http else endpoints.grpc,
        "VITRINE_TELEMETRY__TRACE_URL": f"{page}/trace/{{trace_id}}",
    }
