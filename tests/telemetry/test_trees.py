"""A sanity check of the comparison of span trees: equal trees are equal, any difference shows."""

from dataclasses import replace

import pytest

from tests.cases import cases
from tests.telemetry.span_trees import Event, Like, Link, Tree, assert_same, at_once, client, span

NUMBER = Like("number", int, r"\d+")
WHOLE = span(
    "whole", {"a": 1}, Event("ended", {"c": 2}), Link(1, 2),
    at_once(span("first", {}), client("second", {"error.type": "500"})),
)  # fmt: skip
FIRST, SECOND = span("first", {}), client("second", {"error.type": "500"})


def test_equal_trees_are_equal() -> None:
    assert_same(replace(WHOLE, below=(SECOND, FIRST)), replace(WHOLE, attributes={"a": NUMBER}))


@cases(
    "other",
    [
        replace(WHOLE, name="hole"),
        replace(WHOLE, kind="SERVER"),
        replace(WHOLE, status="OK"),
        replace(WHOLE, attributes={"a": 1.0}),
        replace(WHOLE, attributes={"a": NUMBER, "b": 1}),
        replace(WHOLE, events=(Event("ended", {"c": 3}),)),
        replace(WHOLE, links=(Link(1, 3),)),
        replace(WHOLE, below=(FIRST,)),
        replace(WHOLE, below=(span("first", {}, SECOND),)),
    ],
)
def test_a_difference_is_found(other: Tree) -> None:
    with pytest.raises(AssertionError):
        assert_same(other, WHOLE)
