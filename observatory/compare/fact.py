"""A fact: something that a request has or has not, such as an attribute value or a failed stage."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a fact is about; of equivalent facts the earlier kind is named first."""

    ATTRIBUTE = "attribute"
    RESOURCE = "resource"
    STAGE = "stage"
    DEPENDENCY = "dependency"
    """A span of kind client or producer: a call of something else."""
    EVENT = "event"
    LOG = "log"
    """A log template: the body with numbers, ids and quoted texts left out."""
    REQUEST = "request"
    """The span that represents the request, and its duration: what all others add up to."""


class Test(StrEnum):
    """What is asked of the subject."""

    __test__ = False  # not a test of pytest

    EQUALS = "="
    OCCURS = "occurs"
    FAILS = "fails"
    AT_LEAST = ">="
    """The value; the largest one if several spans have the attribute."""
    CALLS = "calls >="
    """Spans of this name in the request."""
    SELF_TIME = "self time >="
    """Nanoseconds that spans of this name spend outside of their children."""
    DURATION = "duration >="
    """Nanoseconds of the request."""


SPANS = frozenset({Kind.STAGE, Kind.DEPENDENCY, Kind.REQUEST})
"""Kinds whose subject is the name of a span."""
OUTCOMES = frozenset(
    {"http.response.status_code", "http.status_code", "rpc.grpc.status_code", "error.type"}
)
_THRESHOLDS = frozenset({Test.AT_LEAST, Test.CALLS, Test.SELF_TIME, Test.DURATION})


@dataclass(frozen=True, slots=True, order=True)
class Fact:
    """A subject (attribute key, span name, log template, event) and a test."""

    kind: Kind
    subject: str
    test: Test = Test.OCCURS
    value: str = ""
    threshold: float = 0

    @property
    def family(self) -> tuple[str, ...]:
        """Facts of one family are variants of each other: thresholds, or values of one key."""
        if self.test in _THRESHOLDS:
            return (self.kind, self.subject, self.test)
        if self.test is Test.EQUALS:
            return (self.kind, self.subject)
        return (self.kind, self.subject, self.test, self.value)

    @property
    def is_outcome(self) -> bool:
        """Whether it is an attribute that says how the request ended."""
        return self.kind is Kind.ATTRIBUTE and self.subject in OUTCOMES

    @property
    def is_cause(self) -> bool:
        """Whether it describes the request, not what happened in it."""
        return self.kind in (Kind.ATTRIBUTE, Kind.RESOURCE) and not self.is_outcome

    @property
    def rank(self) -> tuple[bool, int, int, str, str, float]:
        """Order among equivalent facts."""
        kinds, tests = list(Kind), list(Test)
        places = (kinds.index(self.kind), tests.index(self.test))
        return (self.is_outcome, *places, self.subject, self.value, self.threshold)

    @property
    def text(self) -> str:
        """A phrase that follows “of the requests”, such as “call SELECT at least 3 times”."""
        if self.test is Test.OCCURS:
            return _OCCURS[self.kind].format(self.subject)
        amount = duration(self.threshold)
        if self.test in (Test.AT_LEAST, Test.CALLS):
            amount = f"{self.threshold:,.6g}"
        return _TEXTS[self.test].format(self.subject, value=self.value, amount=amount)

    @property
    def filters(self) -> Sequence[str]:
        """Tests of the trace list (`attr=…`) that find such requests; they may be wider."""
        if self.kind in SPANS and self.test is not Test.DURATION:
            return (f"name={self.subject}",)
        if self.kind not in (Kind.ATTRIBUTE, Kind.RESOURCE):
            return ()
        return (f"{self.subject}={self.value}" if self.test is Test.EQUALS else self.subject,)


_TEXTS = {
    Test.EQUALS: "have {} = {value}",
    Test.AT_LEAST: "have {} of at least {amount}",
    Test.FAILS: "fail in “{}”",
    Test.CALLS: "have “{}” at least {amount} times",
    Test.SELF_TIME: "spend at least {amount} in “{}” itself",
    Test.DURATION: "take at least {amount}",
}
_OCCURS = {
    Kind.ATTRIBUTE: "have the attribute {}",
    Kind.RESOURCE: "have the attribute {}",
    Kind.STAGE: "pass through “{}”",
    Kind.DEPENDENCY: "call “{}”",
    Kind.EVENT: "have the event “{}”",
    Kind.LOG: "log “{}”",
    Kind.REQUEST: "are “{}”",
}


def duration(nanoseconds: float) -> str:
    """A duration in its largest unit, with three digits."""
    for size, unit in ((1e9, "s"), (1e6, "ms"), (1e3, "µs")):
        if nanoseconds >= size:
            return f"{nanoseconds / size:.3g} {unit}"
    return f"{nanoseconds:.3g} ns"
