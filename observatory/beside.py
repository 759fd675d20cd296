"""The observatory and a command that sends its telemetry here, started and stopped together.

Two processes under a third that only watches them. The command comes second and goes first: what
it has to say at its end still finds an open door.
"""

import asyncio
import json
import os
import re
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence

from app.console import told

STOP_SECONDS = 10
"""After which what was told to stop is killed."""
NOT_RUN, NOT_FOUND, KILLED = 126, 127, 128
"""A shell's exit statuses; the last plus the signal."""


def beside(command: Sequence[str]) -> int:
    """Run `command` beside an observatory until it ends; its exit status."""
    return asyncio.run(_beside(command))


async def _beside(command: Sequence[str]) -> int:
    observatory = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "observatory", "serve", "--beside"),
        stdin=PIPE,  # it stops when this is closed, however that comes about
        stdout=PIPE,
        start_new_session=True,  # Ctrl-C is for the command, which it outlives
    )
    loop = asyncio.get_running_loop()
    told_to_stop: asyncio.Future[int] = loop.create_future()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, _tell, told_to_stop, number)
    try:
        doors = await observatory.stdout.readline() if observatory.stdout else b""
        if not doors:
            return await observatory.wait()  # it has said why
        try:
            running = await asyncio.create_subprocess_exec(
                *command,
                env={**_addresses(json.loads(doors)), **os.environ},
                process_group=0,  # a signal comes once, from here
            )
        except OSError as error:
            told(f"{command[0]} can't be run: {error.strerror}")
            return NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_RUN
        return await _watched(running, observatory, told_to_stop)
    finally:
        await _stop(observatory)


def _tell(told_to_stop: "asyncio.Future[int]", number: int) -> None:
    if not told_to_stop.done():
        told_to_stop.set_result(number)


def _addresses(doors: dict[str, str]) -> dict[str, str]:
    """Where the command finds the observatory, in variables that it knows."""
    spoken = os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
    if any(re.fullmatch("OTEL_EXPORTER_OTLP_(.*_)?ENDPOINT", name) for name in os.environ):
        return {}  # it goes elsewhere, and is shown there
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": doors["otlp" if spoken == "grpc" else "otlp_http"],
        "VITRINE_TELEMETRY__TRACE_URL": f"{doors['page']}/trace/{{trace_id}}",
    }


async def _watched(
    command: Process, observatory: Process, told_to_stop: "asyncio.Future[int]"
) -> int:
    """Until the command ends; that the observatory ends is only said."""
    ended = asyncio.create_task(command.wait())
    gone = asyncio.create_task(observatory.wait())
    await asyncio.wait([ended, gone, told_to_stop], return_when=asyncio.FIRST_COMPLETED)
    if gone.done() and not ended.done() and not told_to_stop.done():
        told("The observatory has ended; what it shows is no longer to be had.")
        await asyncio.wait([ended, told_to_stop], return_when=asyncio.FIRST_COMPLETED)
    gone.cancel()
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
