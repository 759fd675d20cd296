"""Where a page of a list ended, so that the next one begins there: none is lost or shown twice."""

import re
from dataclasses import dataclass

from observatory.page.asking import LAST_MOMENT
from observatory.page.problems import invalid


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
