"""Waiting for events in threads, processes and event loops that signal nothing by themselves."""

import asyncio
import threading
from collections.abc import Callable
from time import monotonic

TIMEOUT = 300
"""Seconds before any wait of any test gives up. Only a test that fails waits so long, so it may be
generous: machines that run the tests do other work."""
SOON = 30
"""Seconds within which something must end that would otherwise take at least a minute."""
PAUSE, LONGEST_PAUSE = 0.01, 0.1


def until(condition: Callable[[], bool], timeout: float = TIMEOUT, pause: float = PAUSE) -> None:
    """Return as soon as the condition holds; seconds. Looks less often the longer it takes."""
    deadline, between = monotonic() + timeout, threading.Event()
    while not condition():
        assert monotonic() < deadline, "the condition did not hold in time"
        between.wait(pause)
        pause = max(pause, min(2 * pause, LONGEST_PAUSE))


async def eventually(condition: Callable[[], bool]) -> None:
    """The same on an event loop, which runs meanwhile."""
    deadline = monotonic() + TIMEOUT
    while not condition():
        assert monotonic() < deadline, "the condition did not hold in time"
        await asyncio.sleep(PAUSE)
