"""Runs a command together with an observatory and, optionally, a Collector.

The command starts last and stops first, so that the telemetry of its shutdown is received.
"""

import asyncio
import json
import os
import re
import secrets
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, NamedTuple

from observatory.console import print_message

ROOT = Path(__file__).parents[1]
READY = b"Everything is ready"
SHOWN_LOG_LINES = (b'"level":"error"', b'"level":"fatal"', b"Error: ")
KILL_AT_END_OF_STDIN = (
    'exec 3<&0; (read _ <&3; kill $$) >/dev/null 2>&1 & exec "$@" 3<&- </dev/null'
)
"""The Collector ignores its standard input; this wrapper kills it when that is closed."""
BEHIND_COLLECTOR = {"OBSERVATORY_GRPC_PORT": "4327", "OBSERVATORY_HTTP_PORT": "4328"}
"""The observatory's ports when the Collector has the standard ones."""
COLLECTOR_DEFAULTS = {
    "COLLECTOR_HASH_KEY": secrets.token_hex(),
    "GOMEMLIMIT": "400MiB",
    "COLLECTOR_SAMPLING_PERCENTAGE": "100",
    "COLLECTOR_DECISION_WAIT": "5s",
    "COLLECTOR_DECISION_WAIT_AFTER_ROOT": "1s",
}
"""For one developer's machine: no sampling, short delays."""
COLLECTOR_LOG_LEVEL = {"COLLECTOR_LOG_LEVEL": "info"}
"""The level at which the Collector logs READY."""
MAX_LINE_BYTES = 1 << 20
LOG_TASKS: set[asyncio.Task[None]] = set()
"""An event loop keeps only weak references to its tasks."""


class Endpoints(NamedTuple):
    """URLs at which a process receives OTLP, and of its page if it has one."""

    grpc: str
    http: str
    page: str | None = None


class Companion(NamedTuple):
    """A named child process; `endpoints()` waits until it is ready (None: it has ended)."""

    name: str
    process: Process
    endpoints: Callable[[], Coroutine[Any, Any, Endpoints | None]]


async def observatory(*, behind: bool) -> Companion:
    """Start an observatory; `behind` a Collector it leaves the standard ports to that."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "observatory", "serve", "--beside"),
        env={**(BEHIND_COLLECTOR if behind else {}), **os.environ},
        stdin=PIPE,  # it stops when this is closed, even if this process is killed
        stdout=PIPE,
        start_new_session=True,  # Ctrl-C goes to the command; this stops later
    )

    async def endpoints() -> Endpoints | None:
        line = await process.stdout.readline() if process.stdout else b""
        if not line:
            return None  # it has printed the reason
        found: Mapping[str, str] = json.loads(line)
        return Endpoints(found["otlp"], found["otlp_http"], found["page"])

    return Companion("The observatory", process, endpoints)


async def collector(binary: str, endpoint: str) -> Companion:
    """Start a Collector that exports to an OTLP endpoint (HTTP)."""
    configuration = (ROOT / "otel-collector-config.yaml", ROOT / "collector/backends/otlp.yaml")
    process = await asyncio.create_subprocess_exec(
        *("sh", "-c", KILL_AT_END_OF_STDIN, "sh", binary),
        *(word for file in configuration for word in ("--config", str(file))),
        env={**COLLECTOR_DEFAULTS, **os.environ, "OTLP_ENDPOINT": endpoint, "OTLP_TOKEN": "none"}
        | COLLECTOR_LOG_LEVEL,
        stdin=PIPE,
        stderr=PIPE,
        limit=MAX_LINE_BYTES,
        start_new_session=True,
    )

    async def endpoints() -> Endpoints | None:
        ready = asyncio.Event()
        reading_log = asyncio.create_task(_read_log(process, ready))
        LOG_TASKS.add(reading_log)
        await ready.wait()
        host, ports = os.environ.get("COLLECTOR_HOST", "127.0.0.1"), os.environ.get
        endpoints = Endpoints(
            f"http://{host}:{ports('COLLECTOR_GRPC_PORT', '4317')}",
            f"http://{host}:{ports('COLLECTOR_HTTP_PORT', '4318')}",
        )
        return None if reading_log.done() else endpoints

    return Companion("The Collector", process, endpoints)


async def _read_log(process: Process, ready: asyncio.Event) -> None:
    """Read the Collector's log until it ends: set `ready`, print errors."""
    while process.stderr and not process.stderr.at_eof():
        try:
            line = await process.stderr.readline()
        except ValueError:  # longer than MAX_LINE_BYTES
            continue
        if READY in line:
            ready.set()
        elif any(mark in line for mark in SHOWN_LOG_LINES):
            print_message(line.decode(errors="replace").strip())
    ready.set()


STOP_SECONDS = 10
"""After this a process that was asked to stop is killed."""
NOT_RUN, NOT_FOUND, KILLED = 126, 127, 128
"""Exit statuses as a shell has them; KILLED plus the signal's number."""
Signal = asyncio.Future[int]


def run_with_observatory(command: Sequence[str], otelcol: str | None = None) -> int:
    """Run `command` with an observatory until it ends; returns its exit status.

    `otelcol`: path of a Collector binary to send its telemetry through.
    """
    return asyncio.run(_run(command, otelcol))


async def _run(command: Sequence[str], otelcol: str | None) -> int:
    loop = asyncio.get_running_loop()
    stop_signal: Signal = loop.create_future()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, _request_stop, stop_signal, number)
    async with AsyncExitStack() as stack:
        companions = [await observatory(behind=otelcol is not None)]
        stack.push_async_callback(_stop, companions[0].process)
        endpoints = await _ready(companions[0], stop_signal)
        page = endpoints and endpoints.page
        if endpoints and otelcol:
            companions.append(await collector(otelcol, endpoints.http))
            stack.push_async_callback(_stop, companions[1].process)
            endpoints = await _ready(companions[1], stop_signal)
        if not endpoints:
            return 0 if stop_signal.done() else await companions[-1].process.wait() or 1
        try:
            running = await asyncio.create_subprocess_exec(
                *command,
                env={**_addresses(endpoints, page), **os.environ},
                process_group=0,  # so that it gets signals once, from here
            )
        except OSError as error:
            print_message(f"{command[0]} can't be run: {error.strerror}")
            return NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_RUN
        return await _watched(running, companions, stop_signal)


def _request_stop(stop_signal: Signal, number: int) -> None:
    if not stop_signal.done():
        stop_signal.set_result(number)


async def _ready(companion: Companion, stop_signal: Signal) -> Endpoints | None:
    """Its endpoints; None if it has ended (and printed the reason) or a stop was requested."""
    opening = asyncio.create_task(companion.endpoints())
    either: set[asyncio.Future[Any]] = {opening, stop_signal}
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    if opening.done():
        return opening.result()
    opening.cancel()
    return None


def _addresses(endpoints: Endpoints, page: str | None) -> Mapping[str, str]:
    """Environment variables that give the command the endpoints."""
    protocol = os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL", "").strip().lower()
    over_http = protocol.startswith("http")  # any other value means gRPC, as in the service
    if any(re.fullmatch("OTEL_EXPORTER_OTLP_(.*_)?ENDPOINT", name) for name in os.environ):
        return {}  # the user has chosen another backend
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoints.http if over_http else endpoints.grpc,
        "VITRINE_TELEMETRY__TRACE_URL": f"{page}/trace/{{trace_id}}",
    }


async def _watched(command: Process, companions: Sequence[Companion], stop_signal: Signal) -> int:
    """Wait for the command to end; when a companion ends first, only a warning is printed."""
    ended = asyncio.create_task(command.wait())
    gone: dict[asyncio.Future[int], str] = {
        asyncio.create_task(each.process.wait()): each.name for each in companions
    }
    waiting: set[asyncio.Future[int]] = {ended, *gone, stop_signal}
    while not (ended.done() or stop_signal.done()):
        done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if not (ended.done() or stop_signal.done()):
            for each in done:
                print_message(f"{gone[each]} has ended; telemetry is no longer received.")
    for each in gone:
        each.cancel()
    if ended.done():
        return ended.result() if ended.result() >= 0 else KILLED - ended.result()
    await _stop(command, stop_signal.result())
    return 0


async def _stop(process: Process, number: int = signal.SIGTERM) -> None:
    if process.returncode is None:
        process.send_signal(number)
    try:
        await asyncio.wait_for(process.wait(), STOP_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()
