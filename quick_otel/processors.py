"""Skips the hooks of span processors that are known to do nothing."""

from typing import Any, Final

from opentelemetry.context import Context
from opentelemetry.sdk.trace import (
    Span,
    SpanProcessor,
    SynchronousMultiSpanProcessor,
)
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor

IDLE: Final = (SpanProcessor, SimpleSpanProcessor, BatchSpanProcessor)
"""Classes whose `on_start` and `_on_ending` do nothing."""


class QuickProcessors(SynchronousMultiSpanProcessor):
    """The SDK's list of processors; those that are known to do nothing are not called."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._starting: tuple[SpanProcessor, ...] = ()
        self._ending: tuple[SpanProcessor, ...] = ()

    def add_span_processor(self, span_processor: SpanProcessor) -> None:
        """As in the SDK."""
        super().add_span_processor(span_processor)
        processors = self._span_processors
        self._starting = tuple(each for each in processors if _does(each, "on_start"))
        self._ending = tuple(each for each in processors if _does(each, "_on_ending"))

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        for each in self._starting:
            each.on_start(span, parent_context=parent_context)

    def _on_ending(self, span: Span) -> None:
        for each in self._ending:
            each._on_ending(span)


def _does(processor: SpanProcessor, hook: str) -> bool:
    of_class: Any = getattr(type(processor), hook, None)
    return all(of_class is not getattr(idle, hook) for idle in IDLE) or hook in vars(processor)
