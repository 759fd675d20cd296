"""Runs a command beside an observatory, and maybe a Collector: started and stopped together.

The command starts last and stops first, so that what it sends at its end still finds a receiver.
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

from observatory.console import say

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
            say(line.decode(errors="replace").strip())
    ready.set()


STOP_SECONDS = 10
"""After which what was told to stop is killed."""
NOT_RUN, NOT_FOUND, KILLED = 126, 127, 128
"""A shell's exit statuses; the last plus the signal."""
Signal = asyncio.Future[int]


def beside(command: Sequence[str], otelcol: str | None = None) -> int:
    """Run `command` beside an observatory until it ends; its exit status.

    `otelcol`: a Collector's binary that its telemetry goes through.
    """
    return asyncio.run(_beside(command, otelcol))


async def _beside(command: Sequence[str], otelcol: str | None) -> int:
    loop = asyncio.get_running_loop()
    told_to_stop: Signal = loop.create_future()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, _tell, told_to_stop, number)
    async with AsyncExitStack() as stack:
        companions = [await observatory(behind=otelcol is not None)]
        stack.push_async_callback(_stop, companions[0].process)
        doors = await _ready(companions[0], told_to_stop)
        page = doors and doors.page
        if doors and otelcol:
            companions.append(await collector(otelcol, doors.http))
            stack.push_async_callback(_stop, companions[1].process)
            doors = await _ready(companions[1], told_to_stop)
        if not doors:
            return 0 if told_to_stop.done() else await companions[-1].process.wait() or 1
        try:
            running = await asyncio.create_subprocess_exec(
                *command,
                env={**_addresses(doors, page), **os.environ},
                process_group=0,  # a signal comes once, from here
            )
        except OSError as error:
            say(f"{command[0]} can't be run: {error.strerror}")
            return NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_RUN
        return await _watched(running, companions, told_to_stop)


def _tell(told_to_stop: Signal, number: int) -> None:
    if not told_to_stop.done():
        told_to_stop.set_result(number)


async def _ready(companion: Companion, told_to_stop: Signal) -> Doors | None:
    """Its doors; None where it has ended, having said why, or is not wanted any more."""
    opening = asyncio.create_task(companion.doors())
    either: set[asyncio.Future[Any]] = {opening, told_to_stop}
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    if opening.done():
        return opening.result()
    opening.cancel()
    return None


def _addresses(doors: Doors, page: str | None) -> Mapping[str, str]:
    """Where the command finds them, in variables that it knows."""
    protocol = os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL", "").strip().lower()
    over_http = protocol.startswith("http")  # as the service reads it: gRPC with any other value
    if any(re.fullmatch("OTEL_EXPORTER_OTLP_(.*_)?ENDPOINT", name) for name in os.environ):
        return {}  # it goes elsewhere, and is shown there
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": doors.http if over_http else doors.grpc,
        "VITRINE_TELEMETRY__TRACE_URL": f"{page}/trace/{{trace_id}}",
    }


async def _watched(command: Process, companions: Sequence[Companion], told_to_stop: Signal) -> int:
    """Until the command ends; that a companion ends is only said."""
    ended = asyncio.create_task(command.wait())
    gone: dict[asyncio.Future[int], str] = {
        asyncio.create_task(each.process.wait()): each.name for each in companions
    }
    waiting: set[asyncio.Future[int]] = {ended, *gone, told_to_stop}
    while not (ended.done() or told_to_stop.done()):
        done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if not (ended.done() or told_to_stop.done()):
            for each in done:
                say(f"{gone[each]} has ended; telemetry gets no further than there.")
    for each in gone:
        each.cancel()
    if ended.done():
        return ended.result() if ended.result() >= 0 else KILLED - ended.result()
    await _stop(command, told_to_stop.result())
    return 0


async def _stop(process: Process, number: int = signal.SIGTERM) -> None:
    if process.returncode is None:
        process.send_signal(number)
    try:
        await asyncio.wait_for(process.wait(), STOP_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()
