"""Which spans a trace had to wait for, and how long each worked by itself.

The critical path is read from the end of the root backwards. The child that ended last is what the
root waited for; before that child began, the one that ended last before its start; and so on, and
the same within each child. While it waited for none of them, the span itself is on the path.

    root   ├──────────────────────────┤
    a        ├────────┤                    a ended before c began: both are on the path.
    b          ├───┤                       b was over before a was: nobody waited for it.
    c                    ├────────┤
    path   ╘r╧═══a════╧r═╧═══c════╧═r═╛

A twentieth of a child, a millisecond at most, may reach into the next: clocks are not exact.
Children are cut to their parent: what goes on after it (fire and forget) was not waited for.
Moments and lengths are nanoseconds.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from observatory.traces.tree import Tree, children_of

MOST_TOUCH = 1_000_000
"""Nanoseconds that one child may reach into the next and still count as waited for."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of the path: when, how long, and the index of the node whose own time it is."""

    node: int
    start: int
    length: int


@dataclass(frozen=True, slots=True)
class _Window:
    """A node, as far as its ancestors leave it."""

    node: int
    start: int
    end: int


def critical_path(tree: Tree) -> Sequence[Segment]:
    """The path through the longest root, first to last; its segments fill the root exactly.

    Of several roots the others are not on it; a real root comes before a span without its parent.
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
            if child.end - end <= _touch(child) and end > child.start:
                _own(segments, window.node, end, until)
                waiting.append(_Window(child.node, child.start, end))
                until = child.start
        _own(segments, window.node, window.start, until)
    return sorted(segments, key=lambda segment: segment.start)


def self_times(tree: Tree) -> Sequence[int]:
    """For each node the time in which none of its children ran."""
    children = children_of(tree)
    return [
        node.span.duration - _covered(_cut(tree, below, _Window(index, node.start, node.end)))
        for index, (node, below) in enumerate(zip(tree, children, strict=True))
    ]


def _top(tree: Tree) -> int | None:
    """The root whose end the path explains."""
    tops = [index for index, node in enumerate(tree) if node.parent is None]
    # `min` keeps the first of equals, and the tree has the earlier ones first.
    return min(tops, key=lambda each: (tree[each].orphan, -tree[each].span.duration), default=None)


def _touch(child: _Window) -> int:
    """How far it may reach into the one that came next."""
    return min(MOST_TOUCH, (child.end - child.start) // 20)


def _own(segments: list[Segment], node: int, start: int, end: int) -> None:
    if end > start:
        segments.append(Segment(node, start, end - start))


def _cut(tree: Tree, children: Sequence[int], window: _Window) -> list[_Window]:
    """What of the children is within the window, and longer than nothing."""
    cut = (
        _Window(each, max(tree[each].start, window.start), min(tree[each].end, window.end))
        for each in children
    )
    return [each for each in cut if each.end > each.start]


def _ended(tree: Tree, children: Sequence[int], window: _Window) -> list[_Window]:
    """The children, last to end first; of those that end together, the longest."""
    # Sorting is stable: equals stay in the tree's order.
    return sorted(_cut(tree, children, window), key=lambda each: (-each.end, each.start))


def _covered(windows: list[_Window]) -> int:
    """The length of their union."""
    covered, until = 0, None
    for each in sorted(windows, key=lambda each: each.start):
        begin = each.start if until is None else max(each.start, until)
        covered += max(0, each.end - begin)
        until = each.end if until is None else max(until, each.end)
    return covered
