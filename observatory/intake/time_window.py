"""The window of timestamps that are stored: within the retention, and not far in the future."""

from dataclasses import dataclass

from observatory.intake.attribute_values import RecordRejected

AHEAD = 86_400 * 1_000_000_000
"""Nanoseconds by which a sender's clock may be ahead."""


@dataclass(frozen=True, slots=True)
class Window:
    """First and last timestamp accepted, in nanoseconds since 1970.

    Rows older than the retention would be dropped at once, and a row dated years ahead would keep
    its partition for years.
    """

    first: int
    last: int

    @classmethod
    def around(cls, now: int, retention: int) -> "Window":
        """The window at `now`; both in nanoseconds."""
        return cls(now - retention, now + AHEAD)

    def check(self, value: int, name: str) -> int:
        """Return `value` if it is within the window.

        Raises:
            RecordRejected: it is not; `name` is used in the message.

        """
        if self.first <= value <= self.last:
            return value
        if not value:
            raise RecordRejected(f"no {name}")
        side = "older than the retention" if value < self.first else "more than a day in the future"
        raise RecordRejected(f"its {name} is {side}")
