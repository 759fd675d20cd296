"""Which moments can be stored: not before what is kept, and not far ahead."""

from dataclasses import dataclass

from observatory.intake.attribute_values import Refused

AHEAD = 86_400 * 1_000_000_000
"""Nanoseconds by which a sender's clock may be ahead."""


@dataclass(frozen=True, slots=True)
class Window:
    """From when to when, in nanoseconds since 1970.

    What is older than the retention would be dropped as soon as it is stored, and a moment years
    away would keep a partition alive for as long.
    """

    first: int
    last: int

    @classmethod
    def around(cls, now: int, retention: int) -> "Window":
        """The window at `now`; both in nanoseconds."""
        return cls(now - retention, now + AHEAD)

    def moment(self, value: int, name: str) -> int:
        """`value` itself.

        Raises:
            Refused: it is outside.

        """
        if self.first <= value <= self.last:
            return value
        if not value:
            raise Refused(f"no {name}")
        side = "before what is kept" if value < self.first else "more than a day ahead"
        raise Refused(f"its {name} is {side}")
