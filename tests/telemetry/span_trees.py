"""Whole span trees as data, compared as outlines.

`tree(spans)` is what was emitted; what is expected is written as an outline:

    server("GET /documents/{document_id}", {HTTP_RESPONSE_STATUS_CODE: 404},
        span("analyze query", {…}, "an event", link(1, 1)),
        at_once(
            span("retrieve candidates", {…}),
            span("fetch topic signal", {…}, client("GET /search", {…})),
        ),
    )

A span that has an `error.type` has the status ERROR, any other has none.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import ndiff
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.semconv.attributes.error_attributes import ERROR_TYPE
from opentelemetry.semconv.attributes.exception_attributes import (
    EXCEPTION_STACKTRACE,
    EXCEPTION_TYPE,
)

Attributes = Mapping[Any, Any]
"""By name; a declared name is a text too."""


@dataclass(frozen=True, slots=True)
class Like:
    """Stands for values that depend on the catalogue or on chance; it has a name, and bounds."""

    name: str
    kind: type
    form: str

    def fits(self, value: object) -> bool:
        """Whether it stands for this value."""
        return type(value) is self.kind and bool(re.fullmatch(self.form, str(value), re.DOTALL))

    def __repr__(self) -> str:
        return f"‹{self.name}›"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened within a span."""

    name: str
    attributes: Attributes = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Link:
    """A pointer to a span, maybe of another trace."""

    trace: int
    span: int
    attributes: Attributes = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Tree:
    """A span with the spans below it, in the order of their start."""

    kind: str
    name: str
    status: str
    attributes: Attributes
    events: tuple[Event, ...] = ()
    links: tuple[Link, ...] = ()
    below: tuple["Tree | AtOnce", ...] = ()


@dataclass(frozen=True, slots=True)
class AtOnce:
    """Spans that run side by side: any may start first."""

    trees: tuple[Tree, ...]


Part = str | Event | Link | Tree | AtOnce


def span(name: str, attributes: Attributes, *parts: Part, kind: str = "INTERNAL") -> Tree:
    """An expected span; a text among its parts is an event without attributes."""
    events = [Event(each) if isinstance(each, str) else each for each in parts]
    return Tree(
        kind,
        name,
        "ERROR" if ERROR_TYPE in attributes else "UNSET",
        attributes,
        tuple(each for each in events if isinstance(each, Event)),
        tuple(each for each in parts if isinstance(each, Link)),
        tuple(each for each in parts if isinstance(each, Tree | AtOnce)),
    )


def client(name: str, attributes: Attributes, *parts: Part) -> Tree:
    """An expected span of a call to another service."""
    return span(name, attributes, *parts, kind="CLIENT")


def at_once(*trees: Tree) -> AtOnce:
    """Expected spans that run side by side."""
    return AtOnce(trees)


def exception(kind: str, function: str) -> Event:
    """An expected exception whose stack goes through a function."""
    stack = Like(
        f"a stack through {function}", str, rf".*\bin {function}\n.*{kind.rpartition('.')[2]}"
    )
    return Event("exception", {EXCEPTION_TYPE: kind, EXCEPTION_STACKTRACE: stack})


def tree(spans: Iterable[ReadableSpan]) -> Tree:
    """The spans of one trace, which must have one root and lack none of those between."""
    below: dict[int | None, list[ReadableSpan]] = {}
    for each in sorted(spans, key=lambda each: each.start_time or 0):
        here = each.parent is not None and not each.parent.is_remote
        below.setdefault(each.parent.span_id if here and each.parent else None, []).append(each)
    (root,) = below.pop(None)
    found = _grown(root, below)
    assert not below, f"spans below none of the others: {below}"
    return found


def _grown(emitted: ReadableSpan, below: dict[int | None, list[ReadableSpan]]) -> Tree:
    children = below.pop(emitted.context.span_id, [])
    status = emitted.status.status_code.name
    return Tree(
        emitted.kind.name,
        emitted.name,
        status if emitted.status.description is None else f"{status} {emitted.status.description}",
        dict(emitted.attributes or {}),
        tuple(Event(each.name, dict(each.attributes or {})) for each in emitted.events),
        tuple(
            Link(each.context.trace_id, each.context.span_id, dict(each.attributes or {}))
            for each in emitted.links
        ),
        tuple(_grown(each, below) for each in children),
    )


def assert_same(emitted: Tree, expected: Tree) -> None:
    """Compare them wholly: every name, value and type, and the order."""
    left, right = _outline(expected, expected), _outline(emitted, expected)
    assert left == right, "what was emitted (+) is not what was expected (-)\n" + "\n".join(
        ndiff(left, right)
    )


def _outline(found: Tree, like: Tree, depth: int = 0) -> list[str]:
    """`found` in lines; where `like` has a placeholder that fits, the placeholder is shown."""
    indent = "    " * depth
    inner = f"{indent}      "
    lines = [f"{indent}{found.kind} {found.name}: {found.status}"]
    lines += _emitted(f"{indent}  ", found.attributes, like.attributes)
    for each, other in _aligned(found.events, like.events):
        lines += [f"{indent}  * {each.name}", *_emitted(inner, each.attributes, other.attributes)]
    for each in found.links:
        lines += [f"{indent}  -> {each.trace}/{each.span}", *_emitted(inner, each.attributes)]
    wanted = _in_order(like.below, like.below)
    for each, other in _aligned(_in_order(found.below, like.below), wanted):
        lines += _outline(each, other, depth + 1)
    return lines


def _emitted(indent: str, attributes: Attributes, like: Attributes | None = None) -> list[str]:
    emitted = sorted(attributes.items())
    return [f"{indent}{name} = {_shown(value, (like or {}).get(name))}" for name, value in emitted]


def _shown(value: object, like: object) -> str:
    return repr(like) if isinstance(like, Like) and like.fits(value) else repr(value)


def _aligned(found: Sequence[Any], like: Sequence[Any]) -> list[tuple[Any, Any]]:
    """Each with the next one of its name; with itself where there is none."""
    left, pairs = list(like), []
    for each in found:
        other = next((one for one in left if one.name == each.name), None)
        pairs.append((each, other or each))
        if other is not None:
            left.remove(other)
    return pairs


def _in_order(trees: Sequence[Tree | AtOnce], like: Sequence[Tree | AtOnce]) -> list[Tree]:
    """The trees; those that stand where `like` lets any start first, by their names."""
    found = [each for one in trees for each in (one.trees if isinstance(one, AtOnce) else (one,))]
    ordered: list[Tree] = []
    for each in like:
        width = len(each.trees) if isinstance(each, AtOnce) else 1
        here, found = found[:width], found[width:]
        ordered += sorted(here, key=lambda one: one.name)
    return ordered + found
