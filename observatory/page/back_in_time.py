"""Looking for the newest of something: back in time, one stretch after the other.

What is asked for mostly lies in the newest stretch. Where it is rare the stretches grow; when time
is up the page says how far back was looked, and the next one goes on from there.
"""

from collections.abc import Callable, Iterator

from observatory.page.asking import SECOND, Range

FIRST = 5 * 60 * SECOND
"""Nanoseconds of the newest stretch."""
GROWTH = 8
UNHURRIED_SECONDS = 0.5
"""A stretch that took longer is followed by none that is larger."""
BUDGET_SECONDS = 2.5


def stretches(where: Range, seconds: Callable[[], float]) -> Iterator[Range]:
    """Pieces of `where`, newest first, as far as time allows; `seconds`: a clock."""
    began = now = seconds()
    end, length = where.end, FIRST
    while end > where.start and now - began <= BUDGET_SECONDS:
        start = max(where.start, end - length)
        yield Range(start, end)
        end, asked, now = start, now, seconds()
        if now - asked < UNHURRIED_SECONDS:
            length *= GROWTH
