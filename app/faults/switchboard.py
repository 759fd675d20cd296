"""Which faults are on. Each ends by itself; the end needs no running event loop."""

import asyncio
import random
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field

from app.faults.catalogue import FAULTS, Fault
from app.faults.ledger import Ledger

MAX_SECONDS = 3600.0


class AlreadyOn(ValueError):
    """The fault is on."""


@dataclass(slots=True)
class Active:
    """A fault that is on. `until` is in seconds of the monotonic clock."""

    fault: Fault
    rate: float
    delay: float
    seed: int
    duration: float
    until: float
    dice: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)  # noqa: S311 - not for security

    def seconds_left(self) -> float:
        return max(self.until - time.monotonic(), 0.0)


Running = Callable[[Active], AbstractAsyncContextManager[None]]
"""What a fault changes for as long as it is on, besides what wrappers look up."""


class Switchboard:
    """Switches faults. Thread-safe, except for `on` and `off` (event loop only)."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger, self._lock = ledger, threading.Lock()
        self._active: dict[str, Active] = {}
        self._running: dict[str, Running] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def attach(self, name: str, running: Running) -> None:
        """Enter a context while a fault is on."""
        self._running[name] = running

    def active(self, name: str) -> Active | None:
        """The fault, if it is on."""
        found = self._active.get(name)
        return found if found is not None and time.monotonic() < found.until else None

    def hit(self, *names: str) -> Active | None:
        """The first of these faults that is on and applies this time, by its rate."""
        for name in names:
            found = self.active(name)
            if found is not None:
                with self._lock:
                    applies = found.dice.random() < found.rate
                if applies:
                    return found
        return None

    def __iter__(self) -> Iterator[Active]:
        return (each for each in list(self._active.values()) if self.active(each.fault.name))

    async def on(
        self, name: str, rate: float, delay: float | None, seed: int, duration: float
    ) -> Active:
        """Switch a fault on for `duration` seconds. Raises AlreadyOn."""
        if self.active(name):
            raise AlreadyOn(name)
        fault = FAULTS[name]
        seconds = delay if delay is not None else fault.delay or 0.0
        duration = min(duration, MAX_SECONDS)
        active = Active(fault, rate, seconds, seed, duration, time.monotonic() + duration)
        await self._end(name)
        self._ledger.began(active)
        self._active[name] = active
        started = asyncio.Event()
        self._tasks[name] = asyncio.create_task(self._run(active, started))
        await started.wait()
        return active

    async def off(self, name: str) -> None:
        """Switch a fault off; no effect if it is off."""
        if (found := self._active.get(name)) is not None:
            found.until = time.monotonic()
        await self._end(name)

    async def close(self) -> None:
        """Switch every fault off."""
        for name in list(self._active):
            await self.off(name)
        self._ledger.close()

    async def _end(self, name: str) -> None:
        task = self._tasks.pop(name, None)
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _run(self, active: Active, started: asyncio.Event) -> None:
        running = self._running.get(active.fault.name, _nothing)
        try:
            async with running(active):
                started.set()
                await asyncio.sleep(active.seconds_left())
        finally:
            started.set()
            active.until = min(active.until, time.monotonic())
            self._active.pop(active.fault.name, None)
            self._ledger.ended(active)


@asynccontextmanager
async def _nothing(_: Active) -> AsyncIterator[None]:
    yield
