"""A TracerProvider whose spans cost less, with the SDK's contract.

The classes are the SDK's with shorter ways through: attributes of plain types skip the recursive
cleaning, containers for events and links are made when the first one comes, and what has ended is
handed to processors as it is instead of as a copy. Processors, samplers, limits, dropped counts,
status descriptions and `isinstance` hold as in the SDK; upstream's own tests are the judge.
"""

import threading
from collections.abc import Mapping, Sequence
from time import time_ns
from typing import Any, Literal

from opentelemetry import trace as trace_api
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.context import Context, attach, detach
from opentelemetry.sdk import trace as sdk
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits
from opentelemetry.sdk.util import BoundedList
from opentelemetry.trace import set_span_in_context, NonRecordingSpan, SpanContext, SpanKind, Status, StatusCode, TraceFlags
from opentelemetry.util.types import AnyValue, Attributes

UNSET = Status(StatusCode.UNSET)
SAMPLED = TraceFlags(TraceFlags.SAMPLED)
SAMPLED_RANDOM = TraceFlags(TraceFlags.SAMPLED | TraceFlags.RANDOM_TRACE_ID)
PLAIN = frozenset({bool, int, float})
"""Types of values that need no cleaning."""


class QuickAttributes(BoundedAttributes):
    """The SDK's bounded attributes; plain values go straight in."""

    def __init__(self, maxlen: int | None, max_value_len: int | None) -> None:
        # All fields of the base class, without its checks: limits were checked once.
        self._dict: dict[str, AnyValue] = {}
        self.maxlen, self.max_value_len, self.dropped = maxlen, max_value_len, 0
        self._lock = threading.Lock()
        self._immutable = False

    def __setitem__(self, key: str, value: AnyValue) -> None:
        kind, held = type(value), self._dict
        if (
            (kind in PLAIN or (kind is str and self._fits(value)))
            and isinstance(key, str)
            and key
            and not self._immutable
        ):
            if key in held:
                del held[key]  # it moves to the end, as in the SDK
            elif self.maxlen is not None and len(held) >= self.maxlen:
                super().__setitem__(key, value)
                return
            held[key] = value
        else:
            super().__setitem__(key, value)

    def _fits(self, value: Any) -> bool:
        return self.max_value_len is None or len(value) <= self.max_value_len

    def _set_items(self, attributes: Mapping[str, AnyValue]) -> None:
        if type(attributes) is not dict or not all(map(_is_key, attributes)):
            super()._set_items(attributes)  # which counts what it drops
            return
        for key, value in attributes.items():
            self[key] = value


def _is_key(key: object) -> bool:
    return isinstance(key, str) and key != ""


class QuickSpan(sdk.Span):
    """A span under way; once ended it is what processors and exporters read."""

    def __init__(  # noqa: PLR0913, PLR0917 - the fields of the SDK's span
        self,
        tracer: "QuickTracer",
        name: str,
        context: SpanContext,
        parent: SpanContext | None,
        attributes: Attributes,
        links: Sequence[trace_api.Link],
        kind: SpanKind,
        *,
        record_exception: bool,
        set_status_on_exception: bool,
        record_end_metrics: Any,
    ) -> None:
        # All fields of Span and ReadableSpan, without their defaults.
        limits: SpanLimits = tracer._span_limits
        self._name, self._context, self._parent, self._kind = name, context, parent, kind
        self._resource, self._instrumentation_scope = tracer.resource, tracer._instrumentation_scope
        self._instrumentation_info = tracer.instrumentation_info
        self._start_time = self._end_time = None
        self._status = UNSET
        self._sampler, self._trace_config = tracer.sampler, None
        self._record_exception = record_exception
        self._set_status_on_exception = set_status_on_exception
        self._span_processor, self._limits = tracer.span_processor, limits
        self._record_end_metrics = record_end_metrics
        self._lock = threading.Lock()
        held = QuickAttributes(limits.max_span_attributes, limits.max_span_attribute_length)
        if attributes:
            held._set_items(attributes)
        self._attributes = held
        self._events = self._new_events() if limits.max_events == 0 else NONE
        self._links = self._new_links(links) if links else NONE

    def set_attribute(self, key: str, value: AnyValue) -> None:
        if self._end_time is None:
            self._attributes[key] = value
        else:
            super().set_attribute(key, value)  # which warns

    def set_attributes(self, attributes: Mapping[str, AnyValue]) -> None:
        if self._end_time is None:
            self._attributes._set_items(attributes)
        else:
            super().set_attributes(attributes)

    def _add_event(self, event: Any) -> None:
        if self._events is NONE:
            self._events = self._new_events()
        super()._add_event(event)

    def _add_link(self, link: trace_api.Link) -> None:
        if self._links is NONE:
            self._links = self._new_links(())
        super()._add_link(link)

    def _readable_span(self) -> ReadableSpan:
        return self  # nothing changes any more

    def start(self, start_time: int | None = None, parent_context: Context | None = None) -> None:
        if self._start_time is not None:
            super().start(start_time, parent_context)
            return
        self._start_time = time_ns() if start_time is None else start_time
        self._span_processor.on_start(self, parent_context=parent_context)


NONE = BoundedList(0)
"""Stands for a list of events or links in which there is nothing yet."""


class QuickTracer(sdk.Tracer):
    """Starts quick spans."""

    def start_span(  # noqa: PLR0913, PLR0917 - as the API has it
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Attributes = None,
        links: Sequence[trace_api.Link] | None = (),
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
    ) -> trace_api.Span:
        parent: SpanContext | None = trace_api.get_current_span(context).get_span_context()
        if parent is not None and not isinstance(parent, SpanContext):
            raise TypeError("parent_span_context must be a SpanContext or None.")
        if not self._is_enabled():
            return NonRecordingSpan(parent)
        ids = self.id_generator
        if parent is None or not parent.is_valid:
            parent, trace_id, random = None, ids.generate_trace_id(), ids.is_trace_id_random()
        else:
            trace_id, random = parent.trace_id, parent.trace_flags.random_trace_id
        links = links or ()
        result = self.sampler.should_sample(context, trace_id, name, kind, attributes, links)
        decision = result.decision
        if decision.is_sampled():
            flags = SAMPLED_RANDOM if random else SAMPLED
        else:
            flags = TraceFlags(TraceFlags.RANDOM_TRACE_ID if random else TraceFlags.DEFAULT)
        made = SpanContext(
            trace_id, ids.generate_span_id(), False, flags, result.trace_state
        )
        counted = self._tracer_metrics.start_span(parent, decision)
        if not decision.is_recording():
            return NonRecordingSpan(made)
        span = QuickSpan(
            self, name, made, parent, dict(result.attributes), links, kind,
            record_exception=record_exception,
            set_status_on_exception=set_status_on_exception,
            record_end_metrics=counted,
        )  # fmt: skip
        span.start(start_time, context)
        return span

    def start_as_current_span(self, name: str, *args: Any, **options: Any) -> Any:
        """A context manager, and a decorator of functions and coroutines."""
        return CurrentSpan(self, (name, *args), options)


class CurrentSpan:
    """A span that is the current one for a block; what leaves the block is recorded on it."""

    __slots__ = ("_arguments", "_options", "_span", "_token", "_tracer")

    def __init__(
        self, tracer: QuickTracer, arguments: tuple[Any, ...], options: dict[str, Any]
    ) -> None:
        self._tracer, self._arguments, self._options = tracer, arguments, options

    def __call__(self, function: Any) -> Any:
        """Decorate, as the SDK does."""
        start = sdk.Tracer.start_as_current_span
        return start(self._tracer, *self._arguments, **self._options)(function)

    def __enter__(self) -> trace_api.Span:
        options = self._options
        if "end_on_exit" in options:
            options = {key: value for key, value in options.items() if key != "end_on_exit"}
        arguments = self._arguments[:8]  # the ninth is end_on_exit
        self._span = self._tracer.start_span(*arguments, **options)
        self._token = attach(set_span_in_context(self._span))
        return self._span

    def __exit__(self, _: Any, error: BaseException | None, __: Any) -> Literal[False]:
        detach(self._token)
        span, (records, marks, ends) = self._span, self._choices()
        try:
            if isinstance(error, Exception) and span.is_recording():
                if records:
                    span.record_exception(error)
                if marks:
                    said = f"{type(error).__name__}: {error}"
                    span.set_status(Status(StatusCode.ERROR, said))
        finally:
            if ends:
                span.end()
        return False

    def _choices(self) -> tuple[bool, bool, bool]:
        """record_exception, set_status_on_exception, end_on_exit."""
        given, options = self._arguments, self._options
        names = ("record_exception", "set_status_on_exception", "end_on_exit")
        found = [
            given[place] if len(given) > place else options.get(name, True)
            for place, name in enumerate(names, 6)
        ]
        return found[0], found[1], found[2]


class TracerProvider(sdk.TracerProvider):
    """The SDK's provider, with quick spans. Takes the same arguments."""

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
        with self._tracers_lock:  # where the SDK keeps them, to reconfigure them
            if not isinstance(self._tracers.get(scope), QuickTracer):
                self._tracers[scope] = QuickTracer(
                    made.sampler, made.resource, made.span_processor, made.id_generator,
                    made.instrumentation_info, made._span_limits, scope,
                    meter_provider=self._meter_provider, _tracer_config=made._tracer_config,
                )  # fmt: skip
            return self._tracers[scope]
