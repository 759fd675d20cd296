"""The contract of a TracerProvider: what the stock SDK makes of a program, quick_otel makes."""

import copy
import logging
from itertools import count, product
from typing import Any

import pytest
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans as by_library
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans
from opentelemetry.sdk import trace as stock
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.trace import StatusCode, Tracer

import quick_otel
from quick_otel.encoding import _head, _status, encode_spans
from tests.quick_otel.programs import PROGRAMS, PROVIDERS, Program, fresh_context

SDKS: list[type[stock.TracerProvider]] = [stock.TracerProvider, quick_otel.TracerProvider]


class Ids(IdGenerator):
    """1, 2, 3 …"""

    def __init__(self) -> None:
        self._next = count(1)

    def generate_span_id(self) -> int:
        return next(self._next)

    generate_trace_id = generate_span_id


class Calls(stock.SpanProcessor):
    """What a processor is called with."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def on_start(self, span: stock.Span, parent_context: Context | None = None) -> None:
        state = isinstance(span, stock.Span), span.is_recording(), bool(span.attributes)
        self.seen.append(("start", span.name, parent_context is None, *state))

    def _on_ending(self, span: stock.Span) -> None:
        self.seen.append(("ending", span.name, span.is_recording()))

    def on_end(self, span: stock.ReadableSpan) -> None:
        self.seen.append(("end", span.name, isinstance(span, stock.ReadableSpan)))


def _spans(
    sdk: type[stock.TracerProvider], program: Program, options: dict[str, Any]
) -> tuple[tuple[stock.ReadableSpan, ...], list[Any]]:
    exporter, calls = InMemorySpanExporter(), Calls()
    provider = sdk(
        resource=Resource({"service.name": "x"}), shutdown_on_exit=False, id_generator=Ids(),
        **options,
    )  # fmt: skip
    provider.add_span_processor(calls)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with fresh_context():
        program(provider.get_tracer("scope", "1", "https://schema", {"a": 1}))
    provider.shutdown()
    return exporter.get_finished_spans(), calls.seen


def _timeless(resources: Any) -> list[ResourceSpans]:
    """Without what differs between two runs: times and stack traces."""
    for resource in resources:
        for span in (each for scope in resource.scope_spans for each in scope.spans):
            span.start_time_unix_nano = span.end_time_unix_nano = 0
            for event in span.events:
                event.time_unix_nano = 0
                for attribute in event.attributes:
                    if "stacktrace" in attribute.key:
                        attribute.value.string_value = ""
    return list(resources)


@pytest.mark.parametrize(
    ("program", "options"),
    [
        pytest.param(*each, id=f"{each[0].__name__}-{number}")
        for number, each in enumerate(product(PROGRAMS, PROVIDERS))
    ],
)
def test_quick_spans_are_those_of_the_sdk(
    program: Program, options: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    made, warnings = [], []
    for sdk in SDKS:
        caplog.clear()
        spans, calls = _spans(sdk, program, options)
        warnings.append([record.getMessage().split(" at 0x")[0] for record in caplog.records])
        encoded = _timeless(by_library(spans).resource_spans)
        orders = [list(span.attributes or {}) for span in spans]
        made.append((encoded, orders, calls))
        ours = encode_spans(spans)
        assert ours == by_library(spans)
        assert ours.SerializeToString() == by_library(spans).SerializeToString()
    assert made[0] == made[1]
    assert warnings[0] == warnings[1]


def test_an_ended_span_can_be_copied() -> None:
    (span, *_), _ = _spans(quick_otel.TracerProvider, PROGRAMS[0], {})
    copied = copy.deepcopy(span)
    assert (copied.name, copied.attributes) == (span.name, span.attributes)
    assert by_library([copied]) == by_library([span])


def test_the_provider_is_one_of_the_sdk() -> None:
    provider = quick_otel.TracerProvider(shutdown_on_exit=False)
    assert isinstance(provider, stock.TracerProvider)
    assert isinstance(provider.sampler, stock.sampling.ParentBased)
    assert provider.get_tracer("a") is provider.get_tracer("a")
    span = provider.get_tracer("a").start_span("x")
    assert isinstance(span, stock.Span)


def test_long_names_and_messages_are_not_kept() -> None:
    """The caches of encoded texts are bounded in bytes too."""

    def program(tracer: Tracer) -> None:
        for number in range(10):
            with tracer.start_as_current_span(f"{number} {'long ' * 100}") as span:
                span.set_status(StatusCode.ERROR, f"message {number}")

    kept = [each.cache_info().currsize for each in (_head, _status)]
    spans, _ = _spans(quick_otel.TracerProvider, program, {})
    assert encode_spans(spans) == by_library(spans)
    assert [each.cache_info().currsize for each in (_head, _status)] == kept
