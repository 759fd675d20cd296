"""The seam through which the pipeline can be watched, without knowing who watches.

    with stages.observe(ANALYZE) as stage:
        query = stage.result = analyze(text)

An observer learns the stage's name, its duration, its typed result and its failure. It never
changes what happens: an exception inside the block goes on to the caller.
"""

from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

ANALYZE = "analyze query"
RETRIEVE = "retrieve candidates"
FETCH_TOPIC = "fetch topic signal"
SCORE = "score candidates"
RANK = "rank candidates"
STAGES = (ANALYZE, RETRIEVE, FETCH_TOPIC, SCORE, RANK)


class Stage(Protocol):
    """What is being observed; the block assigns its outcome to `result`."""

    result: Any


class StageObserver(Protocol):
    """Watches stages. `name` is one of STAGES."""

    def observe(self, name: str) -> AbstractContextManager[Stage]: ...


class _Unseen:
    __slots__ = ("result",)

    def __init__(self) -> None:
        self.result: Any = None


class Unobserved:
    """The observer that looks away."""

    def observe(self, name: str) -> AbstractContextManager[Stage]:  # noqa: ARG002
        return nullcontext(_Unseen())
