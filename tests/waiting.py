"""Waiting for what happens elsewhere and tells nobody: in a thread, a process, later on a loop."""

import asyncio
import threading
from collections.abc import Callable
from time import monotonic

PATIENCE = 20
"""Seconds; only a test that fails waits so long."""
PAUSE = 0.01


def until(condition: Callable[[], bool], patience: float = PATIENCE, pause: float = PAUSE) -> None:
    """Return as soon as the condition holds; seconds."""
    deadline, between = monotonic() + patience, threading.Event()
    while not condition():
        assert monotonic() < deadline, "it did not come to pass"
        between.wait(pause)


async def eventually(condition: Callable[[], bool]) -> None:
    """The same on an event loop, which goes on meanwhile."""
    deadline = monotonic() + PATIENCE
    while not condition():
        assert monotonic() < deadline, "it did not come to pass"
        await asyncio.sleep(PAUSE)
