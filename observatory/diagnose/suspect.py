"""A suspect: a cause with its evidence, and the suspects that it explains."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from observatory.diagnose.causes import CAUSES

MIN_REQUESTS = 20
"""Requests in a window below which shares are not compared."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A figure before and now, in words."""

    text: str
    before: float
    now: float


@dataclass(frozen=True, slots=True)
class Suspect:
    """A cause (a key of CAUSES), what it is about, and how much of the traffic it concerns."""

    cause: str
    subject: str
    effect: float
    """In [0, 1]: the share of what it concerns that changed."""
    evidence: Sequence[Evidence]
    attribute: str = ""
    """Test of an attribute that finds concerned requests or calls, as in the list of traces."""
    traces: Sequence[str] = ()
    first_bad: int = 0
    """The first minute, nanoseconds since 1970; 0: not known."""
    is_explained: bool = False
    """Whether one before it explains it: it may be a symptom only, or a second cause."""
    score: float = 0
    explains: Sequence["Suspect"] = field(default=())

    @property
    def outside(self) -> bool:
        """Whether a caller, or a dependency outside of the service, is to blame."""
        return CAUSES[self.cause].outside

    @property
    def key(self) -> str:
        """Cause and subject."""
        return f"{self.cause}:{self.subject}" if self.subject else self.cause

    def scored(self, score: float) -> "Suspect":
        """The same with a score."""
        return replace(self, score=round(score, 3))
