"""Runs a command together with an observatory and, optionally, a Collector.

The command starts last and stops first, so that the telemetry of its shutdown is received. What
dies is restarted, up to a limit; the others go on. Ctrl-C stops all, a second one kills them.
"""

import asyncio
import shutil
import signal
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any

from observatory.console import print_message
from observatory.supervision.event_log import RUN_ENDED, RUN_STARTED, EventLog
from observatory.supervision.programs import Collector, Command, Observatory, Program
from observatory.supervision.restart_limit import RestartLimit
from observatory.supervision.supervised import Supervised

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
NOT_FOUND, KILLED = 127, 128
"""Exit statuses as a shell has them; KILLED plus the signal's number."""


def run_with_observatory(
    command: Sequence[str], otelcol: str | None = None, name: str | None = None
) -> int:
    """Run `command` with an observatory until it finishes; returns its exit status.

    `otelcol`: path of a Collector binary to send its telemetry through; `name`: of this run.
    """
    if not shutil.which(command[0]):
        print_message(f"{command[0]} can't be run: there is no such command.")
        return NOT_FOUND
    return asyncio.run(_run(command, otelcol, name or f"run-{datetime.now(UTC):%Y%m%d-%H%M%S}"))


async def _run(command: Sequence[str], otelcol: str | None, name: str) -> int:
    run = _Run(name)
    async with AsyncExitStack() as stack:
        try:
            observatory = Observatory(behind_collector=otelcol is not None)
            await run.launch(stack, observatory)
            await run.send_events(stack, observatory)
            receiver: Observatory | Collector = observatory
            if otelcol:
                receiver = Collector(otelcol, observatory)
                await run.launch(stack, receiver)
            service = await run.launch(stack, Command(command, receiver, observatory.page))
        except _NotStarted as error:
            return error.status
        return await run.end_of(service)


class _NotStarted(Exception):
    """A program has ended at its start, or a stop was requested meanwhile."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class _Run:
    """The programs that run, and the request to stop."""

    def __init__(self, name: str) -> None:
        self._name, self._events = name, EventLog(name)
        self._running: list[Supervised] = []
        self._keeping: dict[Supervised, asyncio.Task[bool]] = {}
        loop = asyncio.get_running_loop()
        self._stop: asyncio.Future[int] = loop.create_future()
        self._killed = False
        for number in STOP_SIGNALS:
            loop.add_signal_handler(number, self._request_stop, number)

    async def launch(self, stack: AsyncExitStack, program: Program) -> Supervised:
        """Start a program and keep it running until the stack is closed.

        Raises:
            _NotStarted: it has ended at once, or a stop was requested.

        """
        it = Supervised(program, self._report, RestartLimit())
        self._running.append(it)
        stack.push_async_callback(it.stop, signal.SIGTERM)
        starting = asyncio.create_task(it.start())
        stack.callback(starting.cancel)
        await self._first(starting)
        if not starting.done():
            raise _NotStarted(0)
        if not starting.result():
            raise _NotStarted(await it.end() or 1)
        self._keeping[it] = asyncio.create_task(it.keep_running())
        stack.callback(self._keeping[it].cancel)
        return it

    async def send_events(self, stack: AsyncExitStack, observatory: Observatory) -> None:
        """Send events to the observatory until the stack is closed."""
        sending = asyncio.create_task(self._events.send_to(observatory.endpoints.http))
        stack.callback(sending.cancel)
        self._events.add(RUN_STARTED, f"The run {self._name} has started.", {}, failed=False)

        async def finish() -> None:
            self._events.add(RUN_ENDED, f"The run {self._name} has ended.", {}, failed=False)
            if not self._killed:
                await self._events.flush()

        stack.push_async_callback(finish)

    async def end_of(self, service: Supervised) -> int:
        """Wait until the service finishes or a stop is requested; the exit status of the run."""
        keeping = self._keeping[service]
        await self._first(keeping)
        if self._stop.done():
            number = self._stop.result()
            await service.stop(number if number == signal.SIGINT else signal.SIGTERM)
            return 0
        if not keeping.result():  # the others go on, so that one can see what happened
            await self._first()
        return service.status if service.status >= 0 else KILLED - service.status

    async def _first(self, *tasks: "asyncio.Task[Any]") -> None:
        """Wait for a task or the request to stop."""
        either: set[asyncio.Future[Any]] = {*tasks, self._stop}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)

    def _request_stop(self, number: int) -> None:
        for keeping in self._keeping.values():
            keeping.cancel()  # nothing is restarted any more
        if not self._stop.done():
            self._stop.set_result(number)
            return
        self._killed = True
        for each in self._running:
            each.kill()

    def _report(self, event: str, sentence: str, attributes: Mapping[str, Any]) -> None:
        print_message(sentence)
        self._events.add(event, sentence, attributes, failed="process.exit.code" in attributes)
