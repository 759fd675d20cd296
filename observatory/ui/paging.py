"""Pages of a list, newest first: cursors, and stretches of time that are searched one by one.

Mostly the newest stretch has enough. Where matches are rare the stretches grow; when time is up the
page says how far back it has searched, and the next page goes on from there.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from observatory.ui.parameters import LAST_MOMENT, SECOND, Range
from observatory.ui.responses import invalid


@dataclass(frozen=True, slots=True)
class Place:
    """What follows is older, or as old and behind the `mark`, which each list has of its own."""

    time: int = LAST_MOMENT
    mark: str = ""

    @classmethod
    def read(cls, said: str | None, mark: str) -> "Place":
        """As `str` says it, with a mark of this pattern; a time alone means: older than this.

        Raises:
            Problem: 422.

        """
        if said is None:
            return cls()
        pattern = rf"(?P<time>[0-9]{{1,19}})(?:\.(?P<mark>{mark}))?"
        found = re.fullmatch(pattern, said, re.DOTALL)
        if not found or int(found["time"]) > LAST_MOMENT:
            raise invalid("before", "is what the page before has as next")
        return cls(int(found["time"]), found["mark"] or "")

    def __str__(self) -> str:
        return f"{self.time}.{self.mark}" if self.mark else str(self.time)

    @property
    def end(self) -> int:
        """Until when, in nanoseconds, there may be more."""
        return self.time + 1 if self.mark else self.time


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
