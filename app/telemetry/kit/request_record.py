"""Collects the attributes and stage durations of the current request, for its wide event."""

from contextvars import ContextVar
from dataclasses import dataclass, field

from opentelemetry import trace
from opentelemetry.semconv.attributes.error_attributes import ERROR_TYPE

from .facts import Facts, FinishedStage
from .vocabulary import Attributes, Event, Value


@dataclass(slots=True)
class RequestRecord:
    """One request. All its tasks and threads share this object.

    `stages`: seconds by the stage's name, summed if a stage ran several times.
    `failed`: the `error.type` of the last exception that left a stage.
    """

    stages: dict[str, float] = field(default_factory=dict)
    attributes: Attributes = field(default_factory=dict)
    degraded: bool = False
    failed: str | None = None
    wide_event: Event | None = None

    def add(
        self, stage: FinishedStage, facts: Facts, attributes: Attributes, kind: str | None
    ) -> None:
        """Add a finished stage; `attributes` are its span's, `kind` is its `error.type`."""
        self.stages[stage.name] = self.stages.get(stage.name, 0.0) + stage.seconds
        if facts.summed:
            self._sum(attributes)
        else:
            self.attributes.update(attributes)
        self.attributes.update(facts.wide)
        self.degraded = self.degraded or facts.degraded
        self.wide_event = facts.wide_event or self.wide_event
        if kind is not None:
            self.attributes.setdefault(ERROR_TYPE, kind)
        if stage.error is not None:  # never reset: other stages may end after the failure
            self.failed = kind

    def _sum(self, counts: Attributes) -> None:
        for name, count in counts.items():
            before = self.attributes.get(name, 0)
            if isinstance(count, bool):
                continue
            if isinstance(before, int) and isinstance(count, int):
                self.attributes[name] = before + count


current: ContextVar[RequestRecord | None] = ContextVar("request", default=None)
"""The record of the current request; None outside of a request."""


def set_request_attribute(name: str, value: Value) -> None:
    """Set an attribute on the current span and on the wide event of the current request."""
    if (record := current.get()) is not None:
        record.attributes[name] = value
        trace.get_current_span().set_attribute(name, value)
