"""Where requests spend their time: critical paths of many traces, added up by call stack.

A stack is the names of the spans from the root down. Its time is what requests waited for in its
last span itself, averaged over all traces, so that the stacks add up to the mean duration.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from observatory.traces.critical_path import critical_path
from observatory.traces.tree import Span, Tree, build_tree

MAX_DEPTH = 32
"""Spans of a stack; deeper ones count for the last."""
Stack = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NamedSpan:
    """A span, and what it is called in a stack."""

    span: Span
    name: str


def mean_times(traces: Iterable[Sequence[NamedSpan]]) -> tuple[int, Mapping[Stack, float]]:
    """The number of traces, and nanoseconds by stack."""
    total: dict[Stack, float] = {}
    count = 0
    for spans in traces:
        count += 1
        for stack, length in _times(spans).items():
            total[stack] = total.get(stack, 0) + length
    return count, {stack: length / count for stack, length in total.items()}


def _times(spans: Sequence[NamedSpan]) -> Mapping[Stack, int]:
    tree = build_tree([each.span for each in spans])
    stacks = _stacks(tree, spans)
    found: dict[Stack, int] = {}
    for segment in critical_path(tree):
        stack = stacks[segment.node]
        found[stack] = found.get(stack, 0) + segment.length
    return found


def _stacks(tree: Tree, spans: Sequence[NamedSpan]) -> Sequence[Stack]:
    """The stack of each node; parents come before their children."""
    stacks: list[Stack] = []
    for node in tree:
        above = () if node.parent is None else stacks[node.parent]
        full = len(above) >= MAX_DEPTH
        stacks.append(above if full else (*above, spans[node.given].name))
    return stacks
