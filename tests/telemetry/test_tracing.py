"""Our tracer decides as the SDK's does, and its spans say the same."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.context import Context
from opentelemetry.trace import (
    Link,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    Tracer,
    TraceState,
)

from tests.telemetry.side_by_side import assert_alike, context_of, incoming, of_ours

SAMPLERS = (
    ("always_on", ""), ("always_off", ""), ("traceidratio", "0.5"),
    ("parentbased_always_on", ""), ("parentbased_always_off", ""),
    ("parentbased_traceidratio", "0.5"),
)  # fmt: skip
PARENTS = {
    "none": Context(),
    "sampled": incoming(sampled=True),
    "not sampled": incoming(sampled=False),
    "random": incoming(sampled=True, random=True),
}
STATEFUL = incoming(state=TraceState([("vendor", "typed")]))
OTHER = SpanContext(0xA, 0xB, is_remote=True)


@pytest.mark.parametrize("parent", PARENTS)
@pytest.mark.parametrize(("sampler", "argument"), SAMPLERS, ids=[name for name, _ in SAMPLERS])
def test_ids_and_sampling(
    sampler: str, argument: str, parent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", sampler)
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", argument)

    def story(tracer: Tracer) -> list[Any]:
        seen = []
        for _ in range(10):
            with tracer.start_as_current_span("root", PARENTS[parent], SpanKind.SERVER) as root:
                seen.append((context_of(root.get_span_context()), root.is_recording()))
                with tracer.start_as_current_span("child") as child:
                    seen.append((context_of(child.get_span_context()), child.is_recording()))
                    tracer.start_span("grandchild", kind=SpanKind.CLIENT).end()
        return seen

    assert_alike(story)


def test_the_state_of_a_trace_is_kept_where_texts_are() -> None:
    def story(tracer: Tracer) -> None:
        with tracer.start_as_current_span("root", STATEFUL):
            tracer.start_span("child").end()

    assert_alike(story, plain=True)
    ours = of_ours()
    story(ours.tracer)
    contexts = [span.get_span_context() for span in ours.spans]
    assert [context.trace_state for context in contexts if context] == [TraceState()] * 2


def test_what_is_said_at_the_start() -> None:
    def story(tracer: Tracer) -> None:
        links = [Link(OTHER, {"n": 1}), Link(SpanContext(1, 2, is_remote=False))]
        for kind in SpanKind:
            tracer.start_span("name", Context(), kind, {"a": 1, "b": "x"}, links, 7).end(9)

    assert_alike(story)
    ours = of_ours()
    story(ours.tracer)
    assert {(span.start_time, span.end_time) for span in ours.spans} == {(7, 9)}


def test_what_is_said_later() -> None:
    def story(tracer: Tracer) -> None:
        span = tracer.start_span("first")
        span.update_name("second")
        span.set_attribute("a", 1)
        span.set_attributes({"a": 2, "b": True, "c": 0.5, "d": "text"})
        span.add_event("happened", {"well": True}, 5)
        span.add_event("again")
        span.add_link(OTHER, {"n": 1})
        span.end()

    assert_alike(story)


def test_nothing_is_said_after_the_end() -> None:
    def story(tracer: Tracer) -> tuple[bool, bool]:
        span = tracer.start_span("name", attributes={"a": 1})
        before = span.is_recording()
        span.end()
        span.set_attribute("a", 2)
        span.set_attributes({"b": 1})
        span.add_event("late")
        span.end(1)
        return before, span.is_recording()

    assert_alike(story)


@pytest.mark.parametrize("late", ["status", "name", "link", "exception"])
def test_nothing_else_is_said_after_the_end(late: str) -> None:
    def story(tracer: Tracer) -> None:
        span = tracer.start_span("name")
        span.end()
        match late:
            case "status":
                span.set_status(StatusCode.ERROR)
            case "name":
                span.update_name("late")
            case "link":
                span.add_link(OTHER)
            case _:
                span.record_exception(ValueError())

    assert_alike(story)


codes = st.sampled_from(StatusCode)


@given(st.lists(codes | codes.map(Status)))
def test_status(given: list[StatusCode | Status]) -> None:
    def story(tracer: Tracer) -> None:
        span = tracer.start_span("name")
        for status in given:
            span.set_status(status)
        span.end()

    assert_alike(story)


def test_a_span_that_is_not_recorded_can_be_used_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")

    def story(tracer: Tracer) -> bool:
        with tracer.start_as_current_span("quiet") as span:
            told: Span = span
            told.set_attribute("a", 1)
            told.add_event("happened")
            told.set_status(StatusCode.ERROR)
            told.record_exception(ValueError())
        return told.is_recording()

    assert_alike(story)
