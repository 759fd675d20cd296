"""A run: a named range of time."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Run:
    """From `start` (inclusive) to `end` (exclusive), in nanoseconds since 1970."""

    name: str
    start: int
    end: int
