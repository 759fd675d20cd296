"""The critical path of traces that were worked through by hand."""

import random

from observatory.traces.critical_path import Segment, critical_path, self_times
from observatory.traces.tree import Span, build_tree
from tests.cases import cases
from tests.observatory.trace_diagrams import path_of, read

PATHS = {
    "alone": """
        r         =====
        path      rrrrr
    """,
    "one after the other": """
        r         ==============
          a        ===
          b            =====
        path      raaarbbbbbrrrr
    """,
    "side by side: the one that ends last": """
        r         ==========
          a        ====
          b        =======
        path      rbbbbbbbrr
    """,
    "who began late and ended last hides who ended while it ran": """
        r         ============
          a        =======
          b            ======
        path      rrrrrbbbbbbr
    """,
    "the one before is the last to end before it began": """
        r         ==============
          a        ==
          b        ====
          c             =====
        path      rbbbbrcccccrrr
    """,
    "from the very beginning to the very end": """
        r         ==========
          a       =====
          b            =====
        path      aaaaabbbbb
    """,
    "within each other": """
        r         ============
          a        =========
            b       ===
            c          ====
              d         ==
        path      rabbbcddcarr
    """,
    "fire and forget: cut to the parent": """
        r         ======
          a         ========
        path      rraaaa
    """,
    "begun after the parent had ended": """
        r         ====
          a            ===
        path      rrrr
    """,
    "what goes on after the cut counts for nothing": """
        r         ======
          a         ========
            b             ==
            c        ==
        path      rraccaaa
    """.replace("rraccaaa", "rracca"),
    "begun before the parent, on one clock": """
        r            ======
          a       =====
        path      aarrrr
    """,
    "longer than the parent on both sides": """
        r            ====
          a       ==========
        path      aaaa
    """,
    "without length": """
        r         =====
          a         |
        path      rrrrr
    """,
    "a child of one without length": """
        r         =====
          a         |
            b      ===
        path      rrrrr
    """,
    "ended together: the longer": """
        r         ========
          b          ====
          a        ======
        path      raaaaaar
    """,
    "twins: the first by name": """
        r         ======
          b        ====
          a        ====
        path      raaaar
    """,
    "another clock, before its parent: moved to its middle": """
        r@1           ========
          a@2     ====
        path      rraaaarr
    """,
    "another clock, too long to fit: moved to the start and cut": """
        r@1           ====
          a@2     ======
        path      aaaa
    """,
    "another clock, but not before its parent: left alone": """
        r@1       ========
          a@2        ========
        path      rrraaaaa
    """,
    "what is below moves with it": """
        r@1             ==========
          a@2     ======
            b@2    ===
        path      rrabbbaarr
    """,
    "below on the first clock: not moved": """
        r@1             ==========
          a@2     ======
            c@1           ==
        path      rrccaaaarr
    """,
    "of two roots the longer": """
        r         ===
        s             =====
        path      sssss
    """,
    "of two as long the earlier": """
        r             ====
        s         ====
        path      ssss
    """,
}


@cases("drawing", PATHS.values(), ids=PATHS)
def test_paths(drawing: str) -> None:
    drawn = read(drawing)
    assert path_of(build_tree(drawn.spans)) == drawn.path


def test_segments_say_when() -> None:
    spans = [Span("r", "", 100, 10), Span("a", "r", 102, 3)]
    assert critical_path(build_tree(spans)) == [
        Segment(0, 100, 2),
        Segment(1, 102, 3),
        Segment(0, 105, 5),
    ]


def test_a_root_comes_before_a_longer_span_without_its_parent() -> None:
    tree = build_tree([Span("a", "gone", 0, 100), Span("r", "", 10, 5)])
    assert path_of(tree) == "rrrrr"


def test_no_spans_have_no_path() -> None:
    assert critical_path([]) == []
    assert self_times([]) == []


def test_a_root_without_length_has_no_path() -> None:
    assert critical_path(build_tree([Span("r", "", 5, 0), Span("a", "r", 5, 0)])) == []


def test_a_chain_of_ten_thousand() -> None:
    deep = 10_000
    spans = [Span(str(at), str(at - 1) if at else "", at, 2 * (deep - at)) for at in range(deep)]
    random.Random(1).shuffle(spans)
    tree = build_tree(spans)
    assert [node.depth for node in tree] == list(range(deep))
    path = critical_path(tree)
    assert sum(each.length for each in path) == 2 * deep
    assert len(path) == 2 * deep - 1
    assert set(self_times(tree)) == {2}


def test_five_thousand_siblings() -> None:
    spans = [Span("r", "", 0, 20_000), *(Span(f"{at:04}", "r", 4 * at, 3) for at in range(5000))]
    tree = build_tree(spans)
    path = critical_path(tree)
    assert len(path) == 10_000
    assert sum(each.length for each in path) == 20_000
    assert self_times(tree)[0] == 5000
