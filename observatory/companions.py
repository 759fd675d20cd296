"""The processes that run beside a command: each says when it takes telemetry, and where."""

import asyncio
import json
import os
import secrets
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from app.console import told

ROOT = Path(__file__).parents[1]
READY = b"Everything is ready"
WORTH_TELLING = (b'"level":"error"', b'"level":"fatal"', b"Error: ")
UNTIL_STDIN_ENDS = 'exec 3<&0; (read _ <&3; kill $$) >/dev/null 2>&1 & exec "$@" 3<&- </dev/null'
"""The Collector does not look at its standard input, so that somebody must who goes with it."""
BEHIND = {"OBSERVATORY_GRPC_PORT": "4327", "OBSERVATORY_HTTP_PORT": "4328"}
"""Where the observatory is when the Collector has the usual doors."""
ALONE = {
    "COLLECTOR_HASH_KEY": secrets.token_hex(),
    "GOMEMLIMIT": "400MiB",
    "COLLECTOR_SAMPLING_PERCENTAGE": "100",
    "COLLECTOR_DECISION_WAIT": "5s",
    "COLLECTOR_DECISION_WAIT_AFTER_ROOT": "1s",
}
"""One person's machine: every answer's trace is wanted, and soon."""
LOGGED = {"COLLECTOR_LOG_LEVEL": "info"}
"""It says at this level that it is ready."""
LONGEST_LINE = 1 << 20
LISTENING: set[asyncio.Task[None]] = set()
"""Held here, since an event loop does not hold on to its tasks."""


class Doors(NamedTuple):
    """Where a companion takes OTLP, and shows it if it does."""

    grpc: str
    http: str
    page: str | None = None


class Companion(NamedTuple):
    """A process with its name, and what to await until it is ready: None says it has ended."""

    name: str
    process: Process
    doors: Callable[[], Coroutine[Any, Any, Doors | None]]


async def observatory(*, behind: bool) -> Companion:
    """An observatory; where it is not asked directly it leaves the usual ports free."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "observatory", "serve", "--beside"),
        env={**(BEHIND if behind else {}), **os.environ},
        stdin=PIPE,  # it stops when this is closed, however that comes about
        stdout=PIPE,
        start_new_session=True,  # Ctrl-C is for the command, which it outlives
    )

    async def doors() -> Doors | None:
        said = await process.stdout.readline() if process.stdout else b""
        if not said:
            return None  # it has said why
        found: Mapping[str, str] = json.loads(said)
        return Doors(found["otlp"], found["otlp_http"], found["page"])

    return Companion("The observatory", process, doors)


async def collector(binary: str, endpoint: str) -> Companion:
    """A Collector that hands everything on to an OTLP endpoint (HTTP)."""
    configuration = (ROOT / "otel-collector-config.yaml", ROOT / "collector/backends/otlp.yaml")
    process = await asyncio.create_subprocess_exec(
        *("sh", "-c", UNTIL_STDIN_ENDS, "sh", binary),
        *(word for file in configuration for word in ("--config", str(file))),
        env={**ALONE, **os.environ, "OTLP_ENDPOINT": endpoint, "OTLP_TOKEN": "none"} | LOGGED,
        stdin=PIPE,
        stderr=PIPE,
        limit=LONGEST_LINE,
        start_new_session=True,
    )

    async def doors() -> Doors | None:
        ready = asyncio.Event()
        listening = asyncio.create_task(_listen(process, ready))
        LISTENING.add(listening)
        await ready.wait()
        host, ports = os.environ.get("COLLECTOR_HOST", "127.0.0.1"), os.environ.get
        where = Doors(
            f"http://{host}:{ports('COLLECTOR_GRPC_PORT', '4317')}",
            f"http://{host}:{ports('COLLECTOR_HTTP_PORT', '4318')}",
        )
        return None if listening.done() else where

    return Companion("The Collector", process, doors)


async def _listen(process: Process, ready: asyncio.Event) -> None:
    """As long as it runs pass on what somebody should know."""
    while process.stderr and not process.stderr.at_eof():
        try:
            line = await process.stderr.readline()
        except ValueError:  # longer than anything that is worth telling
            continue
        if READY in line:
            ready.set()
        elif any(sign in line for sign in WORTH_TELLING):
            told(line.decode(errors="replace").strip())
    ready.set()
