"""What is known of the request under way, gathered from wherever it is worked on."""

from contextvars import ContextVar
from dataclasses import dataclass, field

from opentelemetry import trace

from app.telemetry.attributes import Attributes, Value


@dataclass(slots=True)
class RequestRecord:
    """One request. Tasks and threads that work for it share the object.

    `stages`: seconds by the stage's name, added up where one ran several times.
    """

    stages: dict[str, float] = field(default_factory=dict)
    about: Attributes = field(default_factory=dict)
    recommended: bool = False
    degraded: bool = False
    failed: str | None = None
    """The failure that left the last stage, if one did."""

    def add(self, counts: Attributes) -> None:
        """Numbers of a part of the work: the wide event has their sums."""
        for name, count in counts.items():
            before = self.about.get(name, 0)
            if isinstance(before, int) and isinstance(count, int):
                self.about[name] = before + count

    def took(self, stage: str, seconds: float) -> None:
        """A stage has ended."""
        self.stages[stage] = self.stages.get(stage, 0.0) + seconds


current: ContextVar[RequestRecord | None] = ContextVar("request", default=None)
"""The record of the request that this code runs for, if it does for one."""


def about_this_request(name: str, value: Value) -> None:
    """Tell something of the request under way: its span and its wide event will hold it."""
    if (record := current.get()) is not None:
        record.about[name] = value
        trace.get_current_span().set_attribute(name, value)
