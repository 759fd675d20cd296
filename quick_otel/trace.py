"""A TracerProvider whose spans are cheaper, with the SDK's contract.

The classes are subclasses of the SDK's with fast paths: plain attributes skip the recursive
cleaning, lists of events and links are created for the first event or link, processors get the
ended span itself, not a copy, and `start_as_current_span` is a small class, not a generator.
Samplers, processors, limits, dropped counts, status descriptions and `isinstance` work as in the
SDK; upstream's own tests verify it (`make test-upstream`).
"""

import copy
from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from time import time_ns
from types import MappingProxyType
from typing import Any, Final, Literal, TypeVar, cast

from opentelemetry import trace as trace_api
from opentelemetry.context import Context, attach, detach, get_current
from opentelemetry.metrics import NoOpCounter
from opentelemetry.sdk import trace as sdk
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, EventBase, ReadableSpan, SpanLimits, SpanProcessor
from opentelemetry.sdk.trace.sampling import Decision, Sampler
from opentelemetry.sdk.util import BoundedList
from opentelemetry.sdk.util.instrumentation import InstrumentationInfo, InstrumentationScope
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
)
from opentelemetry.util.types import AnyValue, Attributes

from .attributes import QuickAttributes
from .current import SPAN_KEY, current_span
from .processors import QuickProcessors
from .sampling import quick

Processors = sdk.SynchronousMultiSpanProcessor | sdk.ConcurrentMultiSpanProcessor
Function = TypeVar("Function", bound=Callable[..., Any])

FLAGS: Final = tuple(TraceFlags(bits) for bits in range(4))
"""Trace flags, indexed by the bits sampled (1) and random trace id (2)."""
UNSET: Final = Status(StatusCode.UNSET)
SAMPLE: Final = Decision.RECORD_AND_SAMPLE
DROP: Final = Decision.DROP
NO_LIMITS: Final = SpanLimits(*[SpanLimits.UNSET] * 8)
EMPTY: Final[Any] = BoundedList(0)
"""Stands for the events or links of a span that has none."""


class QuickSpan(sdk.Span):
    """A span. Once ended it is immutable, and processors and exporters read it directly."""

    _attributes: QuickAttributes
    _start_time: int | None = None  # class-level defaults save assignments for each span
    _end_time: int | None = None
    _status: Status = UNSET
    _events: Any = EMPTY
    _links: Any = EMPTY
    _trace_config = None

    def __init__(
        self,
        name: str,
        context: SpanContext,
        parent: SpanContext | None = None,
        sampler: Sampler | None = None,
        trace_config: None = None,
        resource: Resource | None = None,
        attributes: Attributes = None,
        events: Sequence[Event] | None = None,
        links: Sequence[Link] = (),
        kind: SpanKind = SpanKind.INTERNAL,
        span_processor: SpanProcessor = SpanProcessor(),  # noqa: B008 - which does nothing
        instrumentation_info: InstrumentationInfo | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
        limits: SpanLimits = NO_LIMITS,
        instrumentation_scope: InstrumentationScope | None = None,
        *,
        record_end_metrics: Callable[[], None] | None = None,
    ) -> None:
        if events:  # tracers never pass any
            super().__init__(
                name, context, parent, sampler, trace_config, resource, attributes, events, links,
                kind, span_processor, instrumentation_info, record_exception,
                set_status_on_exception, limits, instrumentation_scope,
                record_end_metrics=record_end_metrics,
            )  # fmt: skip
            return
        self._name, self._context, self._parent, self._kind = name, context, parent, kind
        self._sampler, self._limits = sampler, limits
        self._resource = Resource.create({}) if resource is None else resource
        self._instrumentation_info = instrumentation_info
        self._instrumentation_scope = instrumentation_scope
        self._record_exception = record_exception
        self._set_status_on_exception = set_status_on_exception
        self._span_processor = span_processor
        self._record_end_metrics = record_end_metrics
        self._lock = Lock()
        self._attributes = QuickAttributes(
            limits.max_span_attributes, attributes, limits.max_span_attribute_length
        )
        if links:
            self._links = self._new_links(links)

    def set_attribute(self, key: str, value: AnyValue) -> None:
        with self._lock:
            if self._end_time is None:
                self._attributes[key] = value
                return
        super().set_attribute(key, value)  # which warns

    def set_attributes(self, attributes: Mapping[str, AnyValue]) -> None:
        with self._lock:
            if self._end_time is None:
                self._attributes._set_items(attributes)
                return
        super().set_attributes(attributes)

    def _add_event(self, event: EventBase) -> None:
        self._own("_events", self._limits.max_events)
        super()._add_event(event)

    def _add_link(self, link: Link) -> None:
        self._own("_links", self._limits.max_links)
        super()._add_link(link)

    def _own(self, field: Literal["_events", "_links"], limit: int | None) -> None:
        """Replace the shared empty list by the span's own."""
        with self._lock:
            if getattr(self, field) is EMPTY and self._end_time is None:
                setattr(self, field, BoundedList(limit))

    @property
    def attributes(self) -> Attributes:
        """As in the SDK; without the lock once the span has ended and is immutable."""
        held = self._attributes
        return MappingProxyType(held if self._end_time is None else held._dict)

    @property
    def events(self) -> Sequence[Event]:
        """As in the SDK."""
        return () if self._events is EMPTY else super().events

    @property
    def links(self) -> Sequence[Link]:
        """As in the SDK."""
        return () if self._links is EMPTY else super().links

    def _readable_span(self) -> ReadableSpan:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> ReadableSpan:
        """As of the SDK's readable spans: a span itself holds a lock."""
        return copy.deepcopy(super()._readable_span(), memo)


class QuickTracer(sdk.Tracer):
    """Starts quick spans."""

    def __init__(self, made: sdk.Tracer) -> None:
        """Take over the state of the SDK's tracer."""
        vars(self).update(vars(made))
        # Counters of started spans that lead nowhere are not asked.
        started = getattr(self._tracer_metrics, "_started_spans", None)
        self._is_counted = started is not None and not isinstance(started, NoOpCounter)

    def start_span(
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Attributes = None,
        links: Sequence[Link] | None = (),
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
    ) -> trace_api.Span:
        parent: SpanContext | None = current_span(context).get_span_context()
        if parent is not None and not isinstance(parent, SpanContext):
            raise TypeError("parent_span_context must be a SpanContext or None.")
        if not self._tracer_config.is_enabled:
            return NonRecordingSpan(cast("SpanContext", parent))
        ids = self.id_generator
        if parent is None or not parent.is_valid:
            parent, trace_id = None, ids.generate_trace_id()
            bits = TraceFlags.RANDOM_TRACE_ID if ids.is_trace_id_random() else 0
        else:
            trace_id, bits = parent.trace_id, parent.trace_flags & TraceFlags.RANDOM_TRACE_ID
        links = links or ()
        result = self.sampler.should_sample(context, trace_id, name, kind, attributes, links)
        decision = result.decision
        if decision is SAMPLE:
            bits |= TraceFlags.SAMPLED
        made = SpanContext(trace_id, ids.generate_span_id(), False, FLAGS[bits], result.trace_state)
        counted = None
        if self._is_counted:
            counted = self._tracer_metrics.start_span(parent, decision)
        if decision is DROP:
            return NonRecordingSpan(made)
        # Without Span.__new__, which only refuses to make a bare Span.
        span = object.__new__(QuickSpan)
        QuickSpan.__init__(
            span, name, made, parent, self.sampler, None, self.resource, result.attributes, None,
            links, kind, self.span_processor, self.instrumentation_info, record_exception,
            set_status_on_exception, self._span_limits, self._instrumentation_scope,
            record_end_metrics=counted,
        )  # fmt: skip
        span._start_time = time_ns() if start_time is None else start_time
        self.span_processor.on_start(span, parent_context=context)
        return span

    def start_as_current_span(  # type: ignore[override]
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Attributes = None,
        links: Sequence[Link] | None = (),
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
        end_on_exit: bool = True,
    ) -> "CurrentSpan":
        """A context manager, and a decorator of functions and coroutines."""
        start = (
            name, context, kind, attributes, links, start_time, record_exception,
            set_status_on_exception,
        )  # fmt: skip
        return CurrentSpan(self, start, end_on_exit)


class CurrentSpan:
    """Starts a span, which is the current one for a block; errors are recorded on it."""

    __slots__ = ("_end_on_exit", "_span", "_start", "_token", "_tracer")

    def __init__(self, tracer: QuickTracer, start: tuple[Any, ...], end_on_exit: bool) -> None:
        self._tracer, self._start, self._end_on_exit = tracer, start, end_on_exit

    def __enter__(self) -> trace_api.Span:
        span = self._span = self._tracer.start_span(*self._start)
        self._token = attach(Context({**get_current(), SPAN_KEY: span}))
        return span

    def __exit__(self, _: object, error: BaseException | None, __: object) -> Literal[False]:
        detach(self._token)
        span = self._span
        try:
            if error is not None and isinstance(error, Exception) and span.is_recording():
                records, marks = self._start[-2:]
                if records:
                    span.record_exception(error)
                if marks:
                    what = f"{type(error).__name__}: {error}"
                    span.set_status(Status(StatusCode.ERROR, what))
        finally:
            if self._end_on_exit:
                span.end()
        return False

    def __call__(self, function: Function) -> Function:
        """Decorate, as the SDK does it."""
        start: Any = sdk.Tracer.start_as_current_span
        decorate = start(self._tracer, *self._start, self._end_on_exit)
        return cast("Function", decorate(function))


class TracerProvider(sdk.TracerProvider):
    """The SDK's provider with quick spans. Takes the same arguments."""

    def __init__(
        self,
        sampler: Sampler | None = None,
        resource: Resource | None = None,
        shutdown_on_exit: bool = True,
        active_span_processor: Processors | None = None,
        *arguments: Any,
        **options: Any,
    ) -> None:
        """The SDK's arguments: `id_generator`, `span_limits` and `meter_provider` too."""
        super().__init__(
            sampler,
            resource,
            shutdown_on_exit,
            active_span_processor or QuickProcessors(),
            *arguments,
            **options,
        )
        if sampler is None:
            self.sampler = quick(self.sampler)

    def get_tracer(
        self,
        instrumenting_module_name: str,
        instrumenting_library_version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes = None,
    ) -> trace_api.Tracer:
        made = super().get_tracer(
            instrumenting_module_name, instrumenting_library_version, schema_url, attributes
        )
        if not isinstance(made, sdk.Tracer) or isinstance(made, QuickTracer):
            return made
        scope = made._instrumentation_scope
        with self._tracers_lock:  # the SDK caches tracers, and reconfigures the cached ones
            kept = self._tracers[scope]
            if not isinstance(kept, QuickTracer):
                kept = self._tracers[scope] = QuickTracer(kept)
            return kept
