"""Ids of the current trace, and conversion from and to W3C traceparent."""

from opentelemetry import trace
from opentelemetry.trace import SpanContext
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator


def trace_id() -> str | None:
    """32 hexadecimal digits, or None outside of a trace."""
    context = trace.get_current_span().get_span_context()
    return f"{context.trace_id:032x}" if context.is_valid else None


def traceparent() -> str:
    """The current span as a W3C traceparent; empty outside of a trace.

    https://www.w3.org/TR/trace-context/#traceparent-header
    """
    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return ""
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def span_of(written: str) -> SpanContext | None:
    """The span context of a traceparent; None if it is invalid."""
    carrier = {"traceparent": written}
    context = TraceContextTextMapPropagator().extract(carrier) if written else None
    found = trace.get_current_span(context).get_span_context() if context is not None else None
    return found if found is not None and found.is_valid else None
