"""Starts spans: the SDK's provider decides, our spans are started.

A span whose parent was started here is recorded if its parent is, as every standard sampler has it;
the sampler is asked for the first one only.
"""

import time
from asyncio import CancelledError
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Literal

from opentelemetry import context as context_api
from opentelemetry.context import Context
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    Tracer,
    get_current_span,
    set_span_in_context,
)
from opentelemetry.trace import TracerProvider as TracerProviderProtocol

from app.telemetry.spans import Attributes, QuickSpan
from app.telemetry.vocabulary import SCOPE

FAILURES = (Exception, CancelledError)
"""What marks a span it leaves: a call that was given up is one that failed."""


class QuickTracer(Tracer):
    """Starts spans for one instrumentation scope."""

    def __init__(self, provider: "QuickTracing", scope: InstrumentationScope) -> None:
        sdk = provider.sdk
        self.scope, self.resource, self.processors = scope, sdk.resource, provider.processors
        self.clock, self.longest, self.plain = provider.clock, provider.longest, provider.plain
        self._sampler, self._ids = sdk.sampler, sdk.id_generator
        self.ours = scope.name == SCOPE

    def start_span(  # noqa: PLR0913, PLR0917 - as the API has it
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        start_time: int | None = None,
        record_exception: bool = True,  # noqa: ARG002
        set_status_on_exception: bool = True,  # noqa: ARG002
    ) -> Span:
        parent: SpanContext | None = get_current_span(context).get_span_context()
        if parent is not None and parent.is_valid and not parent.is_remote:  # decided by its root
            made = SpanContext(
                parent.trace_id,
                self._ids.generate_span_id(),
                is_remote=False,
                trace_flags=parent.trace_flags,
                trace_state=parent.trace_state,
            )
            recording = parent.trace_flags.sampled
        else:
            parent = parent if parent is not None and parent.is_valid else None
            made, recording = self._root(name, context, kind, parent, attributes)
        if not recording:
            return NonRecordingSpan(made)
        span = QuickSpan(self, name, made, parent, kind, start_time or self.clock())
        if attributes:
            span.set_attributes(attributes)
        for link in links or ():
            span.add_link(link.context, link.attributes)
        return span

    def _root(
        self,
        name: str,
        context: Context | None,
        kind: SpanKind,
        parent: SpanContext | None,
        attributes: Attributes,
    ) -> tuple[SpanContext, bool]:
        """The context of a span that is the first here, and whether it is to be recorded."""
        trace_id = parent.trace_id if parent else self._ids.generate_trace_id()
        result = self._sampler.should_sample(context, trace_id, name, kind, attributes)
        flags = int(TraceFlags.SAMPLED) if result.decision.is_sampled() else 0  # type: ignore[no-untyped-call]
        if parent.trace_flags.random_trace_id if parent else self._ids.is_trace_id_random():
            flags |= TraceFlags.RANDOM_TRACE_ID
        made = SpanContext(
            trace_id,
            self._ids.generate_span_id(),
            is_remote=False,
            trace_flags=TraceFlags(flags),
            trace_state=result.trace_state if self.plain else None,  # a client can write into it
        )
        return made, bool(result.decision.is_recording())  # type: ignore[no-untyped-call]

    def start_as_current_span(self, name: str, *args: Any, **options: Any) -> Any:
        """A context manager; what leaves its block is recorded and goes on."""
        end = options.pop("end_on_exit", True)
        records = options.get("record_exception", True)
        marks = options.get("set_status_on_exception", True)
        span = self.start_span(name, *args, **options)
        return _Current(span, ends=end, records=records, marks=marks)


class _Current:
    """Makes a span the current one for a block."""

    __slots__ = ("_ends", "_marks", "_records", "_span", "_token")

    def __init__(self, span: Span, *, ends: bool, records: bool, marks: bool) -> None:
        self._span, self._ends, self._records, self._marks = span, ends, records, marks

    def __enter__(self) -> Span:
        self._token = context_api.attach(set_span_in_context(self._span))
        return self._span

    def __exit__(
        self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None
    ) -> Literal[False]:
        context_api.detach(self._token)
        if isinstance(error, FAILURES):
            if self._records:
                self._span.record_exception(error)
            if self._marks:
                self._span.set_status(StatusCode.ERROR)
        if self._ends:
            self._span.end()
        return False


class QuickTracing(TracerProviderProtocol):
    """The SDK's provider, with our spans."""

    def __init__(
        self,
        sdk: TracerProvider,
        longest: int,
        *,
        plain: bool = False,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        """`longest`: characters of an attribute; `plain`: keep what was typed."""
        self.sdk, self.longest, self.plain, self.clock = sdk, longest, plain, clock
        self.processors: list[SpanProcessor] = []

    def add_span_processor(self, processor: SpanProcessor) -> None:
        """It takes every span that ends."""
        self.sdk.add_span_processor(processor)  # which shuts it down
        self.processors.append(processor)

    def get_tracer(
        self,
        instrumenting_module_name: str,
        instrumenting_library_version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes = None,
    ) -> Tracer:
        name, version = instrumenting_module_name, instrumenting_library_version
        return QuickTracer(self, InstrumentationScope(name, version, schema_url, attributes))

    def shutdown(self) -> None:
        """Send what waits."""
        self.sdk.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Send what waits, now."""
        return self.sdk.force_flush(timeout_millis)
