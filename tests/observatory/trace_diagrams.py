"""Traces as they are drawn: a line is a span, below its parent and two spaces further in.

    r         ============
      a         ====
    path      rraaaarrrrrr

A column is a nanosecond, `=` says when a span runs, `|` is one without length. `name@2` is timed by
another clock than `name`. In the line `path` each column has the name of the span that the
critical path contains.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import dedent

from observatory.traces.critical_path import critical_path
from observatory.traces.tree import Span, Tree

INDENT, LEFT = 2, 10


@dataclass(frozen=True, slots=True)
class Drawing:
    """Spans, and the path through them."""

    spans: list[Span]
    path: str


def read(drawing: str) -> Drawing:
    """What is drawn."""
    lines = dedent(drawing).strip("\n ").splitlines()
    path = lines.pop()[LEFT:] if lines[-1].startswith("path") else ""
    return Drawing(list(_spans(lines)), path)


def _spans(lines: list[str]) -> Iterator[Span]:
    above: list[str] = []
    for line in lines:
        name, bar = line[:LEFT], line[LEFT:]
        depth = (len(name) - len(name.lstrip())) // INDENT
        span_id, _, clock = name.strip().partition("@")
        parent_id = above[depth - 1] if depth else ""
        above[depth:] = [span_id]
        start = len(bar) - len(bar.lstrip())
        yield Span(span_id, parent_id, start, bar.count("="), clock)


def path_of(tree: Tree) -> str:
    """The critical path as it is drawn, from its beginning."""
    return "".join(tree[each.node].span.span_id * each.length for each in critical_path(tree))
