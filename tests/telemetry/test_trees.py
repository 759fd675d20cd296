"""The comparison of trees notices everything."""

from dataclasses import replace

import pytest

from app.settings import TelemetrySettings
from tests.telemetry.telling import Heard
from tests.telemetry.trees import (
    Event,
    Like,
    Link,
    Tree,
    assert_same,
    at_once,
    client,
    exception,
    span,
    tree,
)

NUMBER = Like("number", int, r"\d+")
TOLD = span(
    "whole",
    {"a": 1, "b": "x"},
    "begun",
    Event("ended", {"c": 2}),
    Link(1, 2),
    span("first", {}, span("deep", {"d": 1})),
    client("second", {"error.type": "500"}),
)


def test_the_same_is_the_same() -> None:
    assert_same(TOLD, TOLD)
    assert_same(TOLD, replace(TOLD, attributes={"a": NUMBER, "b": "x"}))
    assert TOLD.status == "UNSET"
    assert TOLD.below[1] == Tree("CLIENT", "second", "ERROR", {"error.type": "500"})


@pytest.mark.parametrize(
    "other",
    [
        replace(TOLD, name="hole"),
        replace(TOLD, kind="SERVER"),
        replace(TOLD, status="OK"),
        replace(TOLD, attributes={"a": 1}),
        replace(TOLD, attributes={"a": 1, "b": "x", "c": 1}),
        replace(TOLD, attributes={"a": 2, "b": "x"}),
        replace(TOLD, attributes={"a": 1.0, "b": "x"}),
        replace(TOLD, attributes={"a": True, "b": "x"}),
        replace(TOLD, attributes={"a": 1, "b": NUMBER}),
        replace(TOLD, events=TOLD.events[:1]),
        replace(TOLD, events=TOLD.events[::-1]),
        replace(TOLD, events=(TOLD.events[0], Event("ended", {"c": 3}))),
        replace(TOLD, links=()),
        replace(TOLD, links=(Link(1, 3),)),
        replace(TOLD, links=(Link(1, 2, {"e": 1}),)),
        replace(TOLD, below=TOLD.below[:1]),
        replace(TOLD, below=TOLD.below[::-1]),
        replace(TOLD, below=(*TOLD.below, span("third", {}))),
        replace(TOLD, below=(span("first", {}, span("deep", {"d": 2})), TOLD.below[1])),
        replace(TOLD, below=(span("first", {}), span("deep", {"d": 1}), TOLD.below[1])),
    ],
)
def test_a_difference_is_found(other: Tree) -> None:
    with pytest.raises(AssertionError):
        assert_same(other, TOLD)
    with pytest.raises(AssertionError):
        assert_same(TOLD, other)


def test_what_runs_side_by_side_may_start_in_any_order() -> None:
    one, two, three = (span(name, {}) for name in ("one", "two", "three"))
    expected = span("whole", {}, at_once(one, two), three)
    assert_same(span("whole", {}, one, two, three), expected)
    assert_same(span("whole", {}, two, one, three), expected)
    for wrong in ((one, three, two), (one, three), (one, two), (one, two, three, three)):
        with pytest.raises(AssertionError):
            assert_same(span("whole", {}, *wrong), expected)


def test_a_stack_must_go_through_the_function() -> None:
    def told(stack: str) -> Tree:
        about = {"exception.type": "KeyError", "exception.stacktrace": stack}
        return span("whole", {}, Event("exception", about))

    expected = span("whole", {}, exception("KeyError", "looks"))
    assert_same(told('File "x.py", line 1, in looks\n    a[b]\nKeyError'), expected)
    for stack in ("", "in looks\n", 'File "x.py", line 1, in overlooks\n    a[b]\nKeyError'):
        with pytest.raises(AssertionError):
            assert_same(told(stack), expected)


def test_spans_become_a_tree() -> None:
    heard = Heard()
    telemetry = heard.listen(TelemetrySettings(logs="off"))
    tracer = telemetry.traces.get_tracer("tests")
    with tracer.start_as_current_span("whole") as whole:
        with tracer.start_as_current_span("first") as first, tracer.start_as_current_span("deep"):
            first.add_event("begun", {"a": 1})
        with tracer.start_as_current_span("second") as second:
            second.add_link(whole.get_span_context())
    telemetry.close()
    link = Link(whole.get_span_context().trace_id, whole.get_span_context().span_id)
    expected = span(
        "whole", {}, span("first", {}, Event("begun", {"a": 1}), span("deep", {})),
        span("second", {}, link),
    )  # fmt: skip
    assert_same(tree(heard.spans), expected)
    with pytest.raises(AssertionError, match="below none"):
        tree([each for each in heard.spans if each.name != "first"])


def test_two_roots_are_no_tree() -> None:
    heard = Heard()
    telemetry = heard.listen(TelemetrySettings(logs="off"))
    for name in ("one", "two"):
        telemetry.traces.get_tracer("tests").start_span(name).end()
    telemetry.close()
    with pytest.raises(ValueError, match="too many values"):
        tree(heard.spans)
