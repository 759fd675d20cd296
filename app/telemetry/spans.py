"""Spans, made for half of what the SDK's own cost, and private from the start.

The SDK's provider still decides (sampling, ids, resource) and its processors still take what ends.
Only the span in between is ours: a plain dictionary, no locks and no copies, as one request is
worked on by one thread at a time. What instrumentation libraries put on spans passes here, so what
people typed and the messages of exceptions, which may quote it, are never even held.
"""

from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any, Protocol
from urllib.parse import urlsplit

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, SpanProcessor
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.semconv.attributes.error_attributes import ERROR_TYPE
from opentelemetry.semconv.attributes.exception_attributes import (
    EXCEPTION_STACKTRACE,
    EXCEPTION_TYPE,
)
from opentelemetry.semconv.attributes.url_attributes import URL_FULL
from opentelemetry.trace import Link, Span, SpanContext, SpanKind, Status, StatusCode

from app.telemetry.failures import error_type, is_foreseen, is_recorded, mark_recorded
from app.telemetry.privacy import TYPED, stack_of

MOST_ATTRIBUTES, MOST_EVENTS, MOST_LINKS = 64, 32, 32
UNSET = Status(StatusCode.UNSET)
Attributes = Mapping[str, Any] | None


def shortened(value: Any, longest: int) -> Any:
    """The value, with no text in it longer than that."""
    if isinstance(value, str):
        return value if len(value) <= longest else value[:longest]
    if isinstance(value, list | tuple):
        return tuple(shortened(each, longest) for each in value)
    return value


class Origin(Protocol):
    """What a span takes from the tracer that starts it."""

    resource: Resource
    scope: InstrumentationScope
    processors: list[SpanProcessor]
    clock: Callable[[], int]
    longest: int
    plain: bool
    ours: bool


class QuickSpan(Span, ReadableSpan):
    """A span that is under way; once ended it is what processors and exporters read."""

    def __init__(
        self,
        tracer: Origin,
        name: str,
        context: SpanContext,
        parent: SpanContext | None,
        kind: SpanKind,
        start: int,
    ) -> None:
        """`start` in nanoseconds since 1970. The fields are those of ReadableSpan."""
        self._tracer, self._name, self._context, self._parent = tracer, name, context, parent
        self.made = context
        self._kind, self._start_time = kind, start
        self._end_time: int | None = None
        self._attributes: dict[str, Any] = {}
        self._events: list[Event] = []
        self._links: list[Link] = []
        self._status = UNSET
        self._resource, self._instrumentation_scope = tracer.resource, tracer.scope

    def get_span_context(self) -> SpanContext:
        return self.made

    def is_recording(self) -> bool:
        return self._end_time is None

    def set_attribute(self, key: str, value: Any) -> None:
        tracer, held = self._tracer, self._attributes
        if self._end_time is not None or (key in TYPED and not tracer.plain):
            return
        if key == URL_FULL and not tracer.plain:
            value = urlsplit(value)._replace(query="", fragment="").geturl()
        if len(held) < MOST_ATTRIBUTES or key in held:
            held[key] = shortened(value, tracer.longest)

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        if self._tracer.ours and self._end_time is None:  # bounded by the vocabulary
            self._attributes.update(attributes)
            return
        for key, value in attributes.items():
            self.set_attribute(key, value)

    def add_event(
        self, name: str, attributes: Attributes = None, timestamp: int | None = None
    ) -> None:
        if self._end_time is None and len(self._events) < MOST_EVENTS:
            at = self._tracer.clock() if timestamp is None else timestamp
            self._events.append(Event(name, self._bounded(attributes), at))

    def add_link(self, context: SpanContext, attributes: Attributes = None) -> None:
        if self._end_time is None and len(self._links) < MOST_LINKS:
            self._links.append(Link(context, self._bounded(attributes)))

    def _bounded(self, attributes: Attributes) -> dict[str, Any]:
        few = islice((attributes or {}).items(), MOST_ATTRIBUTES)
        return {key: shortened(value, self._tracer.longest) for key, value in few}

    def update_name(self, name: str) -> None:
        if self._end_time is None:
            self._name = name

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:  # noqa: ARG002
        code = status.status_code if isinstance(status, Status) else status
        final = self._end_time is not None or self._status.status_code is StatusCode.OK
        if code is not StatusCode.UNSET and not final:
            self._status = Status(code)  # a description may quote

    def record_exception(
        self,
        exception: BaseException,
        attributes: Attributes = None,  # noqa: ARG002
        timestamp: int | None = None,
        escaped: bool = False,  # noqa: ARG002
    ) -> None:
        """What failed: its type; and its stack, if nobody foresaw it and no other span has it."""
        if self._end_time is not None:
            return
        kind = error_type(exception)
        self._attributes.setdefault(ERROR_TYPE, kind)
        if not (is_foreseen(exception) or is_recorded(exception)):
            mark_recorded(exception)
            stack = stack_of(exception)[-self._tracer.longest :]
            told = {EXCEPTION_TYPE: kind, EXCEPTION_STACKTRACE: stack}
            self.add_event("exception", told, timestamp)

    def end(self, end_time: int | None = None) -> None:
        if self._end_time is None:
            self._end_time = max(end_time or self._tracer.clock(), self._start_time or 0)
            for processor in self._tracer.processors:
                processor.on_end(self)
