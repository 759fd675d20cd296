"""What a request asks for: its parameters, checked. A misspelt one must not widen the answer."""

from collections.abc import Collection
from dataclasses import dataclass

from starlette.datastructures import QueryParams

from observatory.ui.responses import invalid

LONGEST = 1024
"""Characters of one parameter."""
DEFAULT_SECONDS = 3600
LONGEST_SECONDS = 366 * 86_400
REPEATABLE = ("attr",)
RANGE = ("from", "to", "last")
MILLISECOND, SECOND = 10**6, 10**9
LAST_MOMENT = 2**63 - 1
"""Nanoseconds since 1970."""


@dataclass(frozen=True, slots=True)
class Range:
    """From when (included) until when (not included), in nanoseconds since 1970."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Asked:
    """The parameters of one request."""

    given: QueryParams

    @classmethod
    def of(cls, given: QueryParams, known: Collection[str]) -> "Asked":
        """Those that were given: all known, and none twice that has one value only.

        Raises:
            Problem: 422.

        """
        for name, value in given.multi_items():
            if name not in known:
                there = f"there are {', '.join(known)}" if known else "there are none"
                raise invalid(name[:LONGEST], f"is not known here; {there}")
            if len(value) > LONGEST:
                raise invalid(name, f"has at most {LONGEST} characters")
            if name not in REPEATABLE and len(given.getlist(name)) > 1:
                raise invalid(name, "is given more than once; give it once")
        return cls(given)

    def text(self, name: str) -> str | None:
        """What was given; an empty one is as none."""
        return self.given.get(name) or None

    def texts(self, name: str) -> list[str]:
        """All that were given."""
        return [each for each in self.given.getlist(name) if each]

    def one_of(self, name: str, words: Collection[str]) -> str | None:
        """One of these words, if any was given."""
        word = self.text(name)
        if word is not None and word not in words:
            raise invalid(name, f"is one of {', '.join(words)}")
        return word

    def whole(self, name: str, least: int, most: int) -> int | None:
        """A whole number from `least`, which is not negative, to `most`."""
        said = self.text(name)
        if said is None:
            return None
        if not (said.isascii() and said.isdigit() and least <= int(said) <= most):
            raise invalid(name, f"is a whole number from {least} to {most}")
        return int(said)

    def milliseconds(self, name: str) -> int | None:
        """A duration given in milliseconds, maybe with a fraction, in nanoseconds."""
        said = self.text(name)
        if said is None:
            return None
        try:
            value = float(said)
        except ValueError:
            value = -1
        if not 0 <= value <= 1e12:
            raise invalid(name, "is a number of milliseconds, 0 or more, such as 2.5")
        return round(value * MILLISECOND)

    def has_range(self) -> bool:
        """Whether it says from when until when."""
        return any(self.text(name) for name in RANGE)

    def range(self, now: int, kept: int) -> Range:
        """From when until when; `now` and `kept`, how far back there is anything: nanoseconds.

        Raises:
            Problem: 422.

        """
        last = self.whole("last", 1, LONGEST_SECONDS)
        start, end = (self.whole(name, 0, LAST_MOMENT // MILLISECOND) for name in ("from", "to"))
        if last is not None and start is not None:
            raise invalid("last", "goes with to, not with from; leave one of them out")
        until = now if end is None else end * MILLISECOND
        seconds = last or DEFAULT_SECONDS
        since = until - seconds * SECOND if start is None else start * MILLISECOND
        if since >= until:
            raise invalid("from", "comes before to; both are milliseconds since 1970")
        return Range(min(max(since, now - kept), until), until)
