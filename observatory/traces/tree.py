"""Spans arranged as the tree of their trace, whatever they claim about each other.

Parents may be missing, ids may occur twice and parents may run in a circle: each span is in the
tree once, and nothing here recurses or loops without bound. Moments and lengths are nanoseconds.

A span whose clock is another than its parent's, and that starts before its parent, is moved to
the middle of it where it is short enough, to its start where not: a cause does not follow its
effect, so the clocks disagree. What is below it on the same clock moves with it. One that starts
late is left there: it may have waited in a queue.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Span:
    """What the shape of a trace depends on."""

    span_id: str
    parent_id: str
    """Empty for a root."""
    start: int
    duration: int
    clock: str = ""
    """Whose clock told `start`."""

    @property
    def end(self) -> int:
        """When it was over."""
        return self.start + self.duration


@dataclass(frozen=True, slots=True)
class Node:
    """A span in its tree."""

    span: Span
    given: int
    """Its index among the spans that were given."""
    parent: int | None
    """Index of its parent's node."""
    depth: int
    start: int
    """With the clock put right."""
    orphan: bool
    """It names a parent and has none here."""

    @property
    def end(self) -> int:
        """When it was over, with the clock put right."""
        return self.start + self.span.duration

    @property
    def skew(self) -> int:
        """By how much it was moved."""
        return self.start - self.span.start


Tree = Sequence[Node]
"""Depth first, siblings by their start."""


def arranged(spans: Sequence[Span]) -> Tree:
    """The tree of these spans; several trees one after the other, where there are several roots."""
    order = sorted(range(len(spans)), key=lambda index: _rank(spans[index]))
    parents = _parents(spans, order)
    children: dict[int, list[int]] = {}
    tops: list[int] = []
    for index in order:
        parent = parents[index]
        (tops if parent is None else children.setdefault(parent, [])).append(index)
    return _walked(spans, tops, children)


def children_of(tree: Tree) -> Sequence[Sequence[int]]:
    """For each node the indexes of its children, in the tree's order."""
    found: list[list[int]] = [[] for _ in tree]
    for index, node in enumerate(tree):
        if node.parent is not None:
            found[node.parent].append(index)
    return found


def _rank(span: Span) -> tuple[int, int, str, str, str]:
    """The order of siblings: one for each set of spans, in whatever order they come."""
    return (span.start, -span.duration, span.span_id, span.parent_id, span.clock)


def _parents(spans: Sequence[Span], order: Sequence[int]) -> list[int | None]:
    """The index of each span's parent; circles are opened at their first span."""
    by_id: dict[str, int] = {}
    for index in order:
        by_id.setdefault(spans[index].span_id, index)
    parents = [by_id.get(each.parent_id) if each.parent_id else None for each in spans]
    position = {index: place for place, index in enumerate(order)}
    seen_in: dict[int, int] = {}
    for start in order:
        walked: list[int] = []
        at: int | None = start
        while at is not None and at not in seen_in:
            seen_in[at] = start
            walked.append(at)
            at = parents[at]
        if at is not None and seen_in[at] == start:  # the walk came back to itself
            circle = walked[walked.index(at) :]
            parents[min(circle, key=position.__getitem__)] = None
    return parents


def _walked(spans: Sequence[Span], tops: list[int], children: dict[int, list[int]]) -> list[Node]:
    tree: list[Node] = []
    waiting: list[tuple[int, int | None]] = [(index, None) for index in reversed(tops)]
    while waiting:
        index, parent = waiting.pop()
        span, above = spans[index], None if parent is None else tree[parent]
        orphan = above is None and span.parent_id != ""
        depth = 0 if above is None else above.depth + 1
        tree.append(Node(span, index, parent, depth, _start(span, above), orphan))
        here = len(tree) - 1
        waiting.extend((child, here) for child in reversed(children.get(index, ())))
    return tree


def _start(span: Span, parent: Node | None) -> int:
    """When it started by the clock of the trees's top."""
    if parent is None:
        return span.start
    if span.clock == parent.span.clock:
        return span.start + parent.skew
    spare = parent.span.duration - span.duration
    if span.start >= parent.start:
        return span.start
    return parent.start + max(0, spare // 2)
