"""The seam through which the service can be watched, without knowing who watches.

    with stages.observe(ANALYZE) as stage:
        query = stage.result = analyze(text)

An observer learns the stage's name, its duration, its typed result and its failure: what leaves
the block, or the `failure` of the result where it was dealt with. It never changes what happens:
an exception inside the block goes on to the caller.
"""

from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

RECOMMEND = "recommend"
"""The whole of a recommendation; the other stages are parts of it."""
ANALYZE = "analyze query"
RETRIEVE = "retrieve candidates"
FETCH_TOPIC = "fetch topic signal"
SCORE = "score candidates"
RANK = "rank candidates"
FEEDBACK = "keep feedback"
WRITE = "write documents"
STAGES = (RECOMMEND, ANALYZE, RETRIEVE, FETCH_TOPIC, SCORE, RANK, FEEDBACK, WRITE)

RETRY_STARTED, CIRCUIT_OPENED = "retry_started", "circuit_opened"
OCCURRENCES = (RETRY_STARTED, CIRCUIT_OPENED)


class Stage(Protocol):
    """What is being observed; the block assigns its outcome to `result`."""

    result: Any


class StageObserver(Protocol):
    """Watches stages."""

    def observe(self, name: str, subject: object = None) -> AbstractContextManager[Stage]:
        """Watch a block. `name` is one of STAGES, `subject` is what the block works on."""

    def note(self, occurrence: str) -> None:
        """Something happened within the stage under way: one of OCCURRENCES."""


class _Unseen:
    __slots__ = ("result",)

    def __init__(self) -> None:
        self.result: Any = None


class Unobserved:
    """The observer that looks away."""

    def observe(self, *_: object) -> AbstractContextManager[Stage]:
        return nullcontext(_Unseen())

    def note(self, occurrence: str) -> None:
        """Nobody hears of it."""
