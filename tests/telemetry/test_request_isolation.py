"""A request has a trace of its own, whatever came before it and whatever its path is."""

import pytest
from opentelemetry import context, trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, TraceFlags

from tests.telemetry.consistency import server_span
from tests.telemetry.recorded_service import OpenService

pytestmark = pytest.mark.anyio
BEFORE = SpanContext(0xFEED, 0xBEEF, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))


async def test_nothing_of_an_earlier_request_on_the_connection(open_service: OpenService) -> None:
    """Servers start a pipelined request in the context of the one before."""
    async with open_service() as service:
        token = context.attach(trace.set_span_in_context(NonRecordingSpan(BEFORE)))
        answer = await service.ask("stale bread")
        context.detach(token)
    span = server_span(service, answer)
    assert (span.kind, span.parent) == (SpanKind.SERVER, None)
    assert span.context is not None
    assert span.context.trace_id != BEFORE.trace_id


async def test_a_document_that_is_called_like_a_probe(open_service: OpenService) -> None:
    async with open_service() as service:
        answer = await service.client.get("/documents/livez")
    assert answer.json()["trace_id"]
    assert server_span(service, answer).name == "GET /documents/{document_id}"
