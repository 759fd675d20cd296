"""The same operations on the SDK's tracer and on ours, and what either exports."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    TraceFlags,
    Tracer,
    TraceState,
    set_span_in_context,
)

from app.telemetry.tracing import QuickTracing

Story = Callable[[Tracer], object]
LONGEST = 100


class Numbered(IdGenerator):
    """Span ids count; trace ids are spread, as the samplers look at them."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def generate_span_id(self) -> int:
        return next(self._numbers)

    def generate_trace_id(self) -> int:
        return (next(self._numbers) * 0x9E3779B97F4A7C15F39CC0605CEDC835) % 2**128

    def is_trace_id_random(self) -> bool:
        return True


@dataclass(frozen=True)
class Traced:
    """A tracer, and the spans that have ended."""

    tracer: Tracer
    exporter: InMemorySpanExporter

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        return self.exporter.get_finished_spans()

    @property
    def only(self) -> ReadableSpan:
        [span] = self.spans
        return span


def _sdk() -> TracerProvider:
    return TracerProvider(
        resource=Resource({"service.name": "vitrine"}),
        id_generator=Numbered(),
        shutdown_on_exit=False,
    )


def of_the_sdk() -> Traced:
    """The SDK's tracer; its sampler is as the environment says."""
    provider, exporter = _sdk(), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return Traced(provider.get_tracer("here", "1", "https://schema"), exporter)


def of_ours(*, plain: bool = False, scope: str = "here", longest: int = LONGEST) -> Traced:
    """Our tracer."""
    clock = itertools.count(1)
    provider = QuickTracing(_sdk(), longest, plain=plain, clock=lambda: next(clock))
    exporter = InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return Traced(provider.get_tracer(scope, "1", "https://schema"), exporter)


def assert_alike(story: Story, *, plain: bool = False) -> None:
    """Either tracer returns the same and exports the same."""
    sdk, ours = of_the_sdk(), of_ours(plain=plain)
    assert story(ours.tracer) == story(sdk.tracer)
    assert [told(span) for span in ours.spans] == [told(span) for span in sdk.spans]


def told(span: ReadableSpan) -> dict[str, Any]:
    """All of a span but its times and the description of its status, which ours has never."""
    return {
        "name": span.name,
        "kind": span.kind,
        "context": context_of(span.get_span_context()),
        "parent": context_of(span.parent),
        "status": span.status.status_code,
        "attributes": dict(span.attributes or {}),
        "events": [(each.name, dict(each.attributes or {})) for each in span.events],
        "links": [(context_of(each.context), dict(each.attributes or {})) for each in span.links],
        "scope": span.instrumentation_scope,
        "resource": span.resource,
        "order": (span.start_time or 0) <= (span.end_time or -1),
    }


def context_of(context: SpanContext | None) -> tuple[Any, ...] | None:
    """All of a span context."""
    if context is None:
        return None
    flags, state = int(context.trace_flags), dict(context.trace_state)
    return context.trace_id, context.span_id, flags, state, context.is_remote, context.is_valid


def incoming(
    *, sampled: bool = True, random: bool = False, state: TraceState | None = None
) -> Context:
    """The context of a request that somebody else began to trace."""
    flags = TraceFlags.SAMPLED * sampled | TraceFlags.RANDOM_TRACE_ID * random
    about = SpanContext(
        0xFEED, 0xBEEF, is_remote=True, trace_flags=TraceFlags(flags), trace_state=state
    )
    return set_span_in_context(NonRecordingSpan(about), Context())
