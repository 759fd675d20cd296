"""Small programs that emit spans: each is run on the stock SDK and on quick_otel."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from opentelemetry.context import Context
from opentelemetry.sdk.trace import SpanLimits, sampling
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    Tracer,
    TraceState,
    get_current_span,
    set_span_in_context,
)

Program = Callable[[Tracer], None]
ELSEWHERE = SpanContext(7, 8, True, TraceFlags(1), TraceState([("vendor", "x")]))
REMOTE = set_span_in_context(NonRecordingSpan(ELSEWHERE), Context())
UNUSUAL: list[tuple[Any, Any]] = [
    ("text", "x" * 20), ("yes", True), ("one", 1), ("half", 0.5), ("bytes", b"\x00"),
    ("none", None), ("list", ["a", 1, None]), ("map", {"a": {"": 1, 5: 2}}), ("object", object()),
    ("set", {1}), ("big", 2**70), ("surrogate", "\ud800"), ("negative", -1), ("tuple", ()),
    ("infinite", float("inf")), (5, 1.5), ("", 1), (None, 1), ("text", "again"),
    ("kind", SpanKind.CLIENT),
]  # fmt: skip


class Picky(sampling.Sampler):
    """Adds an attribute and a trace state, drops by name, records without sampling."""

    def should_sample(
        self, parent_context: Context | None, trace_id: int, name: str, *_: Any, **__: Any
    ) -> sampling.SamplingResult:
        decision = {"dropped": "DROP", "local": "RECORD_ONLY"}.get(name, "RECORD_AND_SAMPLE")
        state = TraceState([("picky", "1")])
        return sampling.SamplingResult(sampling.Decision[decision], {"by": "sampler"}, state)

    def get_description(self) -> str:
        return "picky"


def nested(tracer: Tracer) -> None:
    with tracer.start_as_current_span("outer", kind=SpanKind.SERVER, attributes={"a": 1}):
        with tracer.start_as_current_span("inner", links=[Link(ELSEWHERE, {"b": 2})]) as inner:
            inner.set_attributes({"c": "d", "e": 0.5})
            inner.add_event("event", {"f": "g"}, timestamp=5)
        get_current_span().set_attribute("back", True)


def remote(tracer: Tracer) -> None:
    with tracer.start_as_current_span("server", REMOTE, end_on_exit=False) as span:
        tracer.start_span("root", Context()).end()
    span.end(9)


def decorated(tracer: Tracer) -> None:
    @tracer.start_as_current_span("function")
    def function() -> None:
        get_current_span().set_attribute("in", "function")

    @tracer.start_as_current_span("coroutine")
    async def coroutine() -> None:
        await asyncio.sleep(0)
        get_current_span().set_attribute("in", "coroutine")

    function()
    function()
    asyncio.run(coroutine())


def failing(tracer: Tracer) -> None:
    choices: list[Any] = [{}, {"record_exception": False}, {"set_status_on_exception": False}]
    for options in choices:
        outer = tracer.start_as_current_span("outer", **options)
        with suppress(ValueError), outer, tracer.start_as_current_span("inner"):
            raise ValueError("no")
        with suppress(ValueError), tracer.start_span("alone", **options):
            raise ValueError("no")
    with suppress(KeyboardInterrupt), tracer.start_as_current_span("stopped"):
        raise KeyboardInterrupt


def unusual(tracer: Tracer) -> None:
    for key, value in UNUSUAL:
        with tracer.start_span("one") as span:
            span.set_attribute("first", 1)
            span.set_attribute(key, value)
            span.set_attributes({"second": 2, key: value})
            span.add_event("event", {key: value})
            span.add_link(ELSEWHERE, {key: value})
    with tracer.start_span("all", attributes=dict(UNUSUAL)) as span:
        for key, value in UNUSUAL:
            span.set_attribute(key, value)


def linked(tracer: Tracer) -> None:
    nowhere: Any = None
    invalid = SpanContext(0, 0, False)
    with tracer.start_span("x", links=[Link(invalid), Link(ELSEWHERE)]) as span:
        for context in (nowhere, invalid, ELSEWHERE):
            span.add_link(context)
        span.add_link(invalid, {"kept": "as it has attributes"})


def status(tracer: Tracer) -> None:
    ok, error, unset = StatusCode.OK, StatusCode.ERROR, StatusCode.UNSET
    calls: list[Any]
    for calls in (
        [(error, "why")], [(error, "why"), (ok,)], [(ok,), (error, "late")], [(unset,)],
        [(Status(error, "why"), "ignored")], [(error, "why"), (unset,)], [(ok, "not for errors")],
    ):  # fmt: skip
        with tracer.start_span("x") as span:
            for call in calls:
                span.set_status(*call)


def ended(tracer: Tracer) -> None:
    span = tracer.start_span("x")
    span.end()
    span.set_attribute("late", 1)
    span.set_attributes({"late": 1})
    span.add_event("late")
    span.add_link(ELSEWHERE)
    span.update_name("late")
    span.set_status(StatusCode.ERROR)
    span.record_exception(ValueError())
    span.end()


def sampled(tracer: Tracer) -> None:
    for name in ("kept", "dropped", "local"):
        with tracer.start_as_current_span(name, attributes={"given": 1}):
            tracer.start_span("child").end()


PROGRAMS: list[Program] = [
    nested, remote, decorated, failing, unusual, linked, status, ended, sampled,
]  # fmt: skip
PROVIDERS: list[dict[str, Any]] = [
    {},
    {"span_limits": SpanLimits(3, 2, 1, 4, 1, 1, 4, 6)},
    {"span_limits": SpanLimits(0, 0, 0)},
    {"sampler": Picky()},
    {"sampler": sampling.ALWAYS_OFF},
    {"sampler": sampling.ParentBased(Picky())},
]
"""Arguments of TracerProvider."""


@contextmanager
def fresh_context() -> Iterator[None]:
    """Fails if a program leaves a span current."""
    before = get_current_span()
    yield
    assert get_current_span() is before
