"""Validation of query parameters. Unknown ones are errors, so that no filter is ignored."""

from collections.abc import Collection
from dataclasses import dataclass

from starlette.datastructures import QueryParams

from observatory.ui.responses import invalid

MAX_LENGTH = 1024
"""Characters of one parameter."""
DEFAULT_SECONDS = 3600
MAX_RANGE_SECONDS = 366 * 86_400
REPEATABLE = ("attr",)
RANGE = ("from", "to", "last")
MILLISECOND, SECOND = 10**6, 10**9
MAX_TIMESTAMP = 2**63 - 1
"""Nanoseconds since 1970."""


@dataclass(frozen=True, slots=True)
class Range:
    """From `start` (inclusive) to `end` (exclusive), in nanoseconds since 1970."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Parameters:
    """The query parameters of one request."""

    given: QueryParams

    @classmethod
    def of(cls, given: QueryParams, known: Collection[str]) -> "Parameters":
        """Check that all are in `known` and that only REPEATABLE ones are repeated.

        Raises:
            Problem: 422.

        """
        for name, value in given.multi_items():
            if name not in known:
                there = f"use {', '.join(known)}" if known else "there are none"
                raise invalid(name[:MAX_LENGTH], f"is unknown; {there}")
            if len(value) > MAX_LENGTH:
                raise invalid(name, f"may have at most {MAX_LENGTH} characters")
            if name not in REPEATABLE and len(given.getlist(name)) > 1:
                raise invalid(name, "may be given only once")
        return cls(given)

    def text(self, name: str) -> str | None:
        """The value; None if missing or empty."""
        return self.given.get(name) or None

    def texts(self, name: str) -> list[str]:
        """All values, without empty ones."""
        return [each for each in self.given.getlist(name) if each]

    def one_of(self, name: str, words: Collection[str]) -> str | None:
        """The value, which must be one of `words`; None if missing."""
        word = self.text(name)
        if word is not None and word not in words:
            raise invalid(name, f"must be one of {', '.join(words)}")
        return word

    def whole(self, name: str, least: int, most: int) -> int | None:
        """An integer from `least` (0 or more) to `most`; None if missing."""
        value = self.text(name)
        if value is None:
            return None
        if not (value.isascii() and value.isdigit() and least <= int(value) <= most):
            raise invalid(name, f"must be a whole number from {least} to {most}")
        return int(value)

    def milliseconds(self, name: str) -> int | None:
        """A duration in milliseconds, converted to nanoseconds; None if missing."""
        value = self.text(name)
        if value is None:
            return None
        try:
            number = float(value)
        except ValueError:
            number = -1
        if not 0 <= number <= 1e12:
            raise invalid(name, "must be a number of milliseconds, 0 or more, such as 2.5")
        return round(number * MILLISECOND)

    def has_range(self) -> bool:
        """Whether a time range is given."""
        return any(self.text(name) for name in RANGE)

    def range(self, now: int, kept: int) -> Range:
        """The time range, limited to the retention; `now` and `kept` (retention) in nanoseconds.

        Raises:
            Problem: 422.

        """
        last = self.whole("last", 1, MAX_RANGE_SECONDS)
        start, end = (self.whole(name, 0, MAX_TIMESTAMP // MILLISECOND) for name in ("from", "to"))
        if last is not None and start is not None:
            raise invalid("last", "can't be combined with from; leave one of them out")
        until = now if end is None else end * MILLISECOND
        seconds = last or DEFAULT_SECONDS
        since = until - seconds * SECOND if start is None else start * MILLISECOND
        if since >= until:
            raise invalid("from", "must be before to; both are milliseconds since 1970")
        return Range(min(max(since, now - kept), until), until)
