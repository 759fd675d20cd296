"""Differences between the declared objects and SigNoz's responses."""

from typing import Any

from signoz.kinds import SIGNOZ_DEFAULTS, difference
from tests.cases import cases


@cases("name", SIGNOZ_DEFAULTS)
def test_what_signoz_fills_in_is_no_difference_but_anything_else_is(name: str) -> None:
    assert difference({}, {"a": {name: SIGNOZ_DEFAULTS[name]}}) == ""
    assert difference({}, {"a": {name: "another"}}) == f"a.{name}"
    assert difference({name: "mine"}, {name: SIGNOZ_DEFAULTS[name]}) == name


@cases("empty", [None, "", 0, False, [], {}, {"a": None, "b": {"c": ""}}])
def test_what_is_empty_is_as_if_it_were_not_there(empty: Any) -> None:
    assert difference({}, {"a": empty}) == ""
    assert difference({"a": empty}, {"b": None}) == ""


@cases(
    ("wanted", "found", "where"),
    [
        ({"a": 1}, {"a": 2}, "a"),
        ({"a": 1}, {}, "a"),
        ({}, {"a": 1}, "a"),
        ({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}]}, "a[1].b"),
        ({"a": [1]}, {"a": [1, 2]}, "a"),
        ({"a": [1, 2]}, {"a": [2, 1]}, "a[0]"),
        ({"a": {"b": 1}}, {"a": None}, "a.b"),
        ({"a": "b"}, {"a": {"b": 1}}, "a"),
        ({"a": "2"}, {"a": 2}, "a"),
        ({"a": True}, {"a": False}, "a"),
        ([], [1], "all of it"),
    ],
)
def test_differences_have_a_place(wanted: Any, found: Any, where: str) -> None:
    assert difference(wanted, found) == where
    assert difference(wanted, wanted) == ""


def test_numbers_are_numbers() -> None:
    assert difference({"a": 1}, {"a": 1.0}) == ""
