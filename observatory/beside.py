"""The observatory and a command that sends its telemetry here, started and stopped together.

Processes under one that only watches them. The command comes last and goes first: what it has to
say at its end still finds an open door. A Collector may stand between the two.
"""

import asyncio
import os
import re
import signal
from asyncio.subprocess import Process
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any

from app.console import told
from app.telemetry.kit.environment import check
from observatory.companions import Companion, Doors, collector, observatory

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
            told(f"{command[0]} can't be run: {error.strerror}")
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
    environment = dict(os.environ)
    check(environment)  # as the command does, and warns of it
    spoken = environment.get("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
    if any(re.fullmatch("OTEL_EXPORTER_OTLP_(.*_)?ENDPOINT", name) for name in os.environ):
        return {}  # it goes elsewhere, and is shown there
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": doors.grpc if spoken == "grpc" else doors.http,
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
                told(f"{gone[each]} has ended; telemetry gets no further than there.")
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
