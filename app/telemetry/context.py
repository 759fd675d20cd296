"""The trace that is under way, for those who only want its name."""

from opentelemetry import trace
from opentelemetry.trace import SpanContext
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from app.telemetry.failures import is_recorded


def trace_id() -> str | None:
    """32 hexadecimal digits, or None where no trace is under way."""
    context = trace.get_current_span().get_span_context()
    return f"{context.trace_id:032x}" if context.is_valid else None


def traceparent() -> str:
    """The current span as a W3C traceparent, or nothing.

    https://www.w3.org/TR/trace-context/#traceparent-header
    """
    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return ""
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def link_to(written: str) -> SpanContext | None:
    """The span that `traceparent` wrote down, if it can be read."""
    carrier = {"traceparent": written}
    context = TraceContextTextMapPropagator().extract(carrier) if written else None
    found = trace.get_current_span(context).get_span_context() if context is not None else None
    return found if found is not None and found.is_valid else None


def exception_on_span(error: BaseException) -> None:
    """Record a failure that nothing below the current span has recorded."""
    if not is_recorded(error):
        trace.get_current_span().record_exception(error)
