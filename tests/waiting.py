"""Waiting for what happens elsewhere: in a thread, another process, or later on the same loop."""

import asyncio
import time
from collections.abc import Callable

PATIENCE = 10.0
"""Seconds after which what should have happened has not."""
_PAUSE = 0.005


async def eventually(condition: Callable[[], bool]) -> None:
    """Return when the condition holds; fail when it never does."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "this never happened"
        await asyncio.sleep(_PAUSE)


def wait_until(condition: Callable[[], bool]) -> None:
    """The same, where there is no event loop."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "this never happened"
        time.sleep(_PAUSE)
