"""Faults of the process: its event loop, CPUs, memory, threads and file descriptors."""

import asyncio
import hashlib
import os
import resource
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from anyio import CapacityLimiter, to_thread

from app.faults.switchboard import Active, Switchboard

MEBIBYTE = 1_048_576
LEAK_STEP, MAX_LEAK = 10, 256
"""Mebibytes at a time, and in total."""
IDLE_SHARE = 0.1
"""Least fraction of the time in which a blocked event loop still runs."""


def attach(switchboard: Switchboard) -> None:
    """Make the faults of the process available."""
    for name, running in {
        "loop-blocked": blocked_loop,
        "cpu-hog": busy_cpus,
        "memory-leak": leaking,
        "threads-exhausted": busy_threads,
        "files-exhausted": no_files,
    }.items():
        switchboard.attach(name, running)


@asynccontextmanager
async def blocked_loop(active: Active) -> AsyncIterator[None]:
    """Sleep in the event loop, again and again."""

    async def block() -> None:
        pause = active.delay * max(1 - active.rate, IDLE_SHARE) / max(active.rate, IDLE_SHARE)
        while active.seconds_left() > 0:
            time.sleep(min(active.delay, active.seconds_left()))  # noqa: ASYNC251 - the purpose
            await asyncio.sleep(pause)

    task = asyncio.create_task(block())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@asynccontextmanager
async def busy_cpus(active: Active) -> AsyncIterator[None]:
    """Compute in two threads per CPU."""
    ended = threading.Event()

    def work() -> None:
        while not ended.is_set() and active.seconds_left() > 0:
            hashlib.pbkdf2_hmac("sha256", b"work", b"work", 20_000)  # without the interpreter lock

    count = max(round(2 * (os.cpu_count() or 1) * active.rate), 1)
    threads = [threading.Thread(target=work, name="worker", daemon=True) for _ in range(count)]
    for each in threads:
        each.start()
    try:
        yield
    finally:
        ended.set()
        for each in threads:
            await asyncio.to_thread(each.join)


@asynccontextmanager
async def leaking(active: Active) -> AsyncIterator[None]:
    """Hold more and more memory."""
    held: list[bytes] = []

    async def leak() -> None:
        while len(held) * LEAK_STEP < MAX_LEAK:
            held.append(os.urandom(MEBIBYTE) * LEAK_STEP)
            await asyncio.sleep(active.delay)

    task = asyncio.create_task(leak())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        held.clear()


@asynccontextmanager
async def busy_threads(active: Active) -> AsyncIterator[None]:
    """Occupy the threads of both pools: the event loop's, and that of handlers."""
    ended = threading.Event()

    def wait() -> None:
        ended.wait(active.seconds_left())

    limiter = to_thread.current_default_thread_limiter()
    loop = asyncio.get_running_loop()
    tasks = [loop.create_task(_occupy(wait, limiter)) for _ in range(int(limiter.total_tokens))]
    pooled = [loop.run_in_executor(None, wait) for _ in range(4 * (os.cpu_count() or 1) + 32)]
    try:
        await asyncio.sleep(0)
        yield
    finally:
        ended.set()
        await asyncio.gather(*tasks, *pooled, return_exceptions=True)


async def _occupy(wait: Callable[[], None], limiter: CapacityLimiter) -> None:
    await to_thread.run_sync(wait, limiter=limiter)


@asynccontextmanager
async def no_files(_: Active) -> AsyncIterator[None]:
    """Lower the soft limit to what is open now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.open(os.devnull, os.O_RDONLY)  # the lowest free number
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
