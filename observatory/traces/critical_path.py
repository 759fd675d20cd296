"""The critical path of a trace, and the self time of each span.

The critical path is found from the end of the root backwards: the child that ended last is on it;
before that child started, the child that ended last before its start; and so on, recursively within
each child. In between, the span itself is on the path.

    root   ├──────────────────────────┤
    a        ├────────┤                    a ended before c started: both are on the path.
    b          ├───┤                       b ended before a: the root did not wait for it.
    c                    ├────────┤
    path   ╘r╧═══a════╧r═╧═══c════╧═r═╛

Consecutive children may overlap by a twentieth of the earlier one, at most a millisecond, because
clocks are not exact. Children are clipped to their parent: work that continues after it (fire and
forget) is not on the path. Timestamps and lengths are nanoseconds.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from observatory.traces.tree import Tree, children_of

MAX_OVERLAP = 1_000_000
"""Nanoseconds by which consecutive children may overlap."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of the path: the node's index, start and length."""

    node: int
    start: int
    length: int


@dataclass(frozen=True, slots=True)
class _Window:
    """A node, clipped to its ancestors."""

    node: int
    start: int
    end: int


def critical_path(tree: Tree) -> Sequence[Segment]:
    """The path through the longest root in order of time; its segments cover the root exactly.

    Other roots are not on the path; a real root is preferred to a span whose parent is missing.
    """
    top = _top(tree)
    if top is None:
        return []
    children = children_of(tree)
    segments: list[Segment] = []
    waiting = [_Window(top, tree[top].start, tree[top].end)]
    while waiting:
        window = waiting.pop()
        until = window.end
        for child in _ended(tree, children[window.node], window):
            end = min(child.end, until)
            if child.end - end <= _overlap(child) and end > child.start:
                _own(segments, window.node, end, until)
                waiting.append(_Window(child.node, child.start, end))
                until = child.start
        _own(segments, window.node, window.start, until)
    return sorted(segments, key=lambda segment: segment.start)


def self_times(tree: Tree) -> Sequence[int]:
    """For each node, the nanoseconds in which none of its children ran."""
    children = children_of(tree)
    return [
        node.span.duration - _covered(_cut(tree, below, _Window(index, node.start, node.end)))
        for index, (node, below) in enumerate(zip(tree, children, strict=True))
    ]


def _top(tree: Tree) -> int | None:
    """Index of the root that the path is computed for."""
    tops = [index for index, node in enumerate(tree) if node.parent is None]
    # `min` keeps the first of equals, and the tree has the earlier ones first.
    return min(tops, key=lambda each: (tree[each].orphan, -tree[each].span.duration), default=None)


def _overlap(child: _Window) -> int:
    """How far a child may overlap the next one."""
    return min(MAX_OVERLAP, (child.end - child.start) // 20)


def _own(segments: list[Segment], node: int, start: int, end: int) -> None:
    if end > start:
        segments.append(Segment(node, start, end - start))


def _cut(tree: Tree, children: Sequence[int], window: _Window) -> list[_Window]:
    """The children clipped to the window, without empty ones."""
    cut = (
        _Window(each, max(tree[each].start, window.start), min(tree[each].end, window.end))
        for each in children
    )
    return [each for each in cut if each.end > each.start]


def _ended(tree: Tree, children: Sequence[int], window: _Window) -> list[_Window]:
    """The children by end, latest first; the longest first among equals."""
    # Sorting is stable: equals stay in the tree's order.
    return sorted(_cut(tree, children, window), key=lambda each: (-each.end, each.start))


def _covered(windows: list[_Window]) -> int:
    """The length of the union of the windows."""
    covered, until = 0, None
    for each in sorted(windows, key=lambda each: each.start):
        begin = each.start if until is None else max(each.start, until)
        covered += max(0, each.end - begin)
        until = each.end if until is None else max(until, each.end)
    return covered
