"""One program that is kept running."""

import asyncio
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any

from observatory.console import print_message
from observatory.supervision.guarded_process import GuardedProcess, describe_end
from observatory.supervision.programs import Program
from observatory.supervision.restart_limit import RestartLimit

ESTABLISHED_SECONDS = 10
"""A process that has run for this long has started well."""
Report = Callable[[str, str, Mapping[str, Any]], None]
"""Called with the name of an event, a sentence and attributes."""


class Supervised:
    """A program and its current process."""

    def __init__(self, program: Program, report: Report, limit: RestartLimit) -> None:
        self.program = program
        self.status = 0
        """Of the process that ended last."""
        self._report, self._limit = report, limit
        self._process: GuardedProcess | None = None
        self._started_at, self._established = 0.0, False

    async def start(self) -> bool:
        """Start a process and wait until it is ready; False: it has ended."""
        self._started_at = monotonic()
        self._process = await self.program.start()
        return await self.program.ready(self._process)

    async def end(self) -> int:
        """Wait for the end of the process; its status."""
        if self._process is not None:
            self.status = await self._process.wait()
        return self.status

    async def keep_running(self) -> bool:
        """Restart it whenever it ends; returns whether it finished, and did not fail too often."""
        while True:
            status = await self.end()
            self._established |= monotonic() - self._started_at >= ESTABLISHED_SECONDS
            if self.program.has_finished(status, established=self._established):
                return True
            delay = self._limit.next_delay()
            await self._announce(status, delay)
            if delay is None:
                return False
            await asyncio.sleep(delay)
            if await self.start():
                self._report("process.restarted", f"{self.program.name} runs again.", {})

    async def stop(self, number: int) -> None:
        """Stop the process, if there is one."""
        if self._process is not None:
            await self._process.stop(number)

    def kill(self) -> None:
        """Kill the process, if there is one."""
        if self._process is not None:
            self._process.kill()

    async def _announce(self, status: int, delay: float | None) -> None:
        ended = f"{self.program.name} {describe_end(status)}"
        if delay is None:
            then = f"It is not restarted again: the limit is {self._limit}. The others go on."
        else:
            then = f"It is restarted in {delay:g} s ({self._limit.count} of at most {self._limit})."
        attributes = {"process.exit.code": status if status >= 0 else 128 - status}
        self._report("process.ended", f"{ended}. {then}", attributes)
        print_message(await self.program.where_to_look(status))
