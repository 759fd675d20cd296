"""How long spans worked by themselves, in traces that were worked through by hand."""

from observatory.traces.critical_path import self_times
from observatory.traces.tree import build_tree
from tests.cases import cases
from tests.observatory.trace_diagrams import read

SELF_TIMES = {
    "alone": (
        """
        r         =====
        """,
        {"r": 5},
    ),
    "children side by side count once": (
        """
        r         ==========
          a        =====
          b          =====
        """,
        {"r": 3, "a": 5, "b": 5},
    ),
    "apart": (
        """
        r         ==========
          a        ==
          b            ==
        """,
        {"r": 6, "a": 2, "b": 2},
    ),
    "two inside another": (
        """
        r         ==========
          a        ======
          b         ==
          c          ===
        """,
        {"r": 4, "a": 6, "b": 2, "c": 3},
    ),
    "one inside another": (
        """
        r         ==========
          a        ======
          b         ==
        """,
        {"r": 4, "a": 6, "b": 2},
    ),
    "only what is within the parent": (
        """
        r            ====
          a       ====
          b             =====
        """,
        {"r": 2, "a": 4, "b": 5},
    ),
    "all of it": (
        """
        r         ====
          a       ====
        """,
        {"r": 0, "a": 4},
    ),
    "grandchildren are the child's": (
        """
        r         ======
          a        ====
            b       ==
        """,
        {"r": 2, "a": 2, "b": 2},
    ),
    "moved to where it belongs": (
        """
        r@1           ======
          a@2     ====
        """,
        {"r": 2, "a": 4},
    ),
    "without length": (
        """
        r         ====
          a        |
        """,
        {"r": 4, "a": 0},
    ),
}


@cases(("drawing", "expected"), SELF_TIMES.values(), ids=SELF_TIMES)
def test_self_times(drawing: str, expected: dict[str, int]) -> None:
    tree = build_tree(read(drawing).spans)
    named = {node.span.span_id: own for node, own in zip(tree, self_times(tree), strict=True)}
    assert named == expected
