"""The observatory and a command that sends its telemetry here, started and stopped together.

Two processes under a third that only watches them. The command comes second and goes first: what
it has to say at its end still finds an open door.
"""

import asyncio
import json
import os
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
        start_new_session=True,  # Ctrl-C is for the command; the observatory outlives it
    )
    told_to_stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, told_to_stop.set)
    try:
        doors = await observatory.stdout.readline() if observatory.stdout else b""
        if not doors:
            return await observatory.wait()  # it has said why
        try:
            running = await asyncio.create_subprocess_exec(
                *command, env={**_addresses(json.loads(doors)), **os.environ}
            )
        except OSError as error:
            told(f"{command[0]} can't be run: {error.strerror}")
            return NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_RUN
        return await _watched(running, observatory, told_to_stop)
    finally:
        await _stop(observatory)


def _addresses(doors: dict[str, str]) -> dict[str, str]:
    """Where the command finds the observatory, in variables that it knows."""
    spoken = os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": doors["otlp" if spoken == "grpc" else "otlp_http"],
        "VITRINE_TELEMETRY__TRACE_URL": f"{doors['page']}/trace/{{trace_id}}",
    }


async def _watched(command: Process, observatory: Process, told_to_stop: asyncio.Event) -> int:
    """Until the command ends; that the observatory ends is only said."""
    ended = asyncio.create_task(command.wait())
    gone = asyncio.create_task(observatory.wait())
    stop = asyncio.create_task(told_to_stop.wait())
    await asyncio.wait([ended, gone, stop], return_when=asyncio.FIRST_COMPLETED)
    if gone.done() and not ended.done() and not stop.done():
        told("The observatory has ended; what it shows is no longer to be had.")
        await asyncio.wait([ended, stop], return_when=asyncio.FIRST_COMPLETED)
    if not ended.done():
        await _stop(command)
    asked = stop.done()
    gone.cancel()
    stop.cancel()
    status = await ended
    if asked:
        return 0
    return status if status >= 0 else KILLED - status


async def _stop(process: Process) -> None:
    if process.returncode is None:
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), STOP_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()
