"""Builds the span tree of a trace from untrusted spans.

Parents may be missing, ids may be duplicates and parents may form a cycle: each span is in the tree
exactly once, and there is no recursion. Timestamps and durations are nanoseconds.

Clock skew: a span that has another clock than its parent and starts before it is moved to the
middle of the parent, or to its start if it is longer than the parent. Its descendants on the same
clock move with it. A span that starts late is not moved: it may have waited in a queue.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Span:
    """The fields of a span that determine the tree."""

    span_id: str
    parent_id: str
    """Empty for a root."""
    start: int
    duration: int
    clock: str = ""
    """Identifies the clock that `start` was read from."""

    @property
    def end(self) -> int:
        """Nanoseconds since 1970."""
        return self.start + self.duration


@dataclass(frozen=True, slots=True)
class Node:
    """A span in its tree."""

    span: Span
    given: int
    """Index of the span in the input."""
    parent: int | None
    """Index of its parent's node."""
    depth: int
    start: int
    """Corrected for clock skew."""
    orphan: bool
    """Its parent is missing."""

    @property
    def end(self) -> int:
        """Corrected for clock skew."""
        return self.start + self.span.duration

    @property
    def skew(self) -> int:
        """Nanoseconds by which the start was corrected."""
        return self.start - self.span.start


Tree = Sequence[Node]
"""Nodes in depth-first order, siblings by start."""


def build_tree(spans: Sequence[Span]) -> Tree:
    """The tree of these spans; several trees in sequence if there are several roots."""
    order = sorted(range(len(spans)), key=lambda index: _rank(spans[index]))
    parents = _parents(spans, order)
    children: dict[int, list[int]] = {}
    tops: list[int] = []
    for index in order:
        parent = parents[index]
        (tops if parent is None else children.setdefault(parent, [])).append(index)
    return _walked(spans, tops, children)


def children_of(tree: Tree) -> Sequence[Sequence[int]]:
    """For each node, the indexes of its children in tree order."""
    found: list[list[int]] = [[] for _ in tree]
    for index, node in enumerate(tree):
        if node.parent is not None:
            found[node.parent].append(index)
    return found


def _rank(span: Span) -> tuple[int, int, str, str, str]:
    """Sort key of siblings; does not depend on the input order."""
    return (span.start, -span.duration, span.span_id, span.parent_id, span.clock)


def _parents(spans: Sequence[Span], order: Sequence[int]) -> list[int | None]:
    """The index of each span's parent; a cycle is cut at its first span."""
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
        if at is not None and seen_in[at] == start:  # a cycle
            cycle = walked[walked.index(at) :]
            parents[min(cycle, key=position.__getitem__)] = None
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
    """The start by the clock of the tree's root."""
    if parent is None:
        return span.start
    if span.clock == parent.span.clock:
        return span.start + parent.skew
    spare = parent.span.duration - span.duration
    if span.start >= parent.start:
        return span.start
    return parent.start + max(0, spare // 2)
