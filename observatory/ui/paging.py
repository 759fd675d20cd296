"""Pagination of lists, newest first: cursors, and time slices that are searched one by one.

Usually the newest slice has enough rows. If matches are rare the slices grow. When the time budget
is used up, the cursor of the page says how far back it has searched.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from observatory.ui.parameters import MAX_TIMESTAMP, SECOND, Range
from observatory.ui.responses import invalid


@dataclass(frozen=True, slots=True)
class Cursor:
    """A position: the next rows are older than `time`, or equal and after `tiebreak`.

    The tiebreak is specific to each list.
    """

    time: int = MAX_TIMESTAMP
    tiebreak: str = ""

    @classmethod
    def read(cls, text: str | None, tiebreak: str) -> "Cursor":
        """Parse a cursor; `tiebreak`: a regular expression. A time alone means: older than this.

        Raises:
            Problem: 422, a syntax error.

        """
        if text is None:
            return cls()
        pattern = rf"(?P<time>[0-9]{{1,19}})(?:\.(?P<tiebreak>{tiebreak}))?"
        found = re.fullmatch(pattern, text, re.DOTALL)
        if not found or int(found["time"]) > MAX_TIMESTAMP:
            raise invalid("before", "must be the `next` of the previous page")
        return cls(int(found["time"]), found["tiebreak"] or "")

    def __str__(self) -> str:
        return f"{self.time}.{self.tiebreak}" if self.tiebreak else str(self.time)

    @property
    def end(self) -> int:
        """End (exclusive) of the range of the remaining rows, in nanoseconds."""
        return self.time + 1 if self.tiebreak else self.time


FIRST = 5 * 60 * SECOND
"""Length of the newest slice in nanoseconds."""
GROWTH = 8
SLOW_SECONDS = 0.5
"""After a slice that took longer, slices do not grow."""
BUDGET_SECONDS = 2.5


def time_slices(where: Range, seconds: Callable[[], float]) -> Iterator[Range]:
    """Slices of `where`, newest first, until BUDGET_SECONDS are used; `seconds`: a clock."""
    started = now = seconds()
    end, length = where.end, FIRST
    while end > where.start and now - started <= BUDGET_SECONDS:
        start = max(where.start, end - length)
        yield Range(start, end)
        end, before, now = start, now, seconds()
        if now - before < SLOW_SECONDS:
            length *= GROWTH
