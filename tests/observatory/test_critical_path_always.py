"""What holds of any spans, however they contradict each other."""

from itertools import pairwise
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from observatory.traces.critical_path import critical_path, self_times
from observatory.traces.tree import Span, Tree, build_tree, children_of

IDS = ["a", "b", "c", "d", "e"]
SPANS = st.lists(
    st.builds(
        Span,
        span_id=st.sampled_from(IDS),
        parent_id=st.sampled_from([*IDS, "", "", "gone"]),
        start=st.integers(0, 30),
        duration=st.integers(0, 20),
        clock=st.sampled_from("12"),
    ),
    max_size=12,
)
TREES = SPANS.map(build_tree)


def shape(tree: Tree) -> list[object]:
    """What must not depend on the order of spans."""
    path = [(tree[each.node].span, each.start, each.length) for each in critical_path(tree)]
    nodes = [(each.span, each.start, each.depth, each.orphan, each.parent) for each in tree]
    return [path, nodes, self_times(tree)]


@given(SPANS)
def test_each_span_is_in_the_tree_once(spans: list[Span]) -> None:
    tree = build_tree(spans)
    assert sorted(node.given for node in tree) == list(range(len(spans)))
    assert all(node.span is spans[node.given] for node in tree)


@given(TREES)
def test_parents_come_first_and_are_the_ones_named(tree: Tree) -> None:
    for index, node in enumerate(tree):
        if node.parent is None:
            assert node.depth == 0
            assert node.orphan == (node.span.parent_id != "")
        else:
            above = tree[node.parent]
            assert node.parent < index
            assert node.depth == above.depth + 1
            assert node.span.parent_id == above.span.span_id
            assert not node.orphan


@given(TREES)
def test_a_span_is_without_its_parent_only_where_it_is_not_there_or_below(tree: Tree) -> None:
    """Of a circle one span loses its parent, and of no other those whose parent is there."""
    ids = {node.span.span_id for node in tree}
    for index, node in enumerate(tree):
        if node.orphan and node.span.parent_id in ids:
            below = {index}
            for at, each in enumerate(tree):
                if each.parent in below:
                    below.add(at)
            assert node.span.parent_id in {tree[at].span.span_id for at in below}


@given(TREES)
def test_siblings_are_in_order(tree: Tree) -> None:
    for below in children_of(tree):
        starts = [tree[index].span.start for index in below]
        assert starts == sorted(starts)


@given(TREES)
def test_the_path_fills_a_root_exactly(tree: Tree) -> None:
    path = critical_path(tree)
    assert all(each.length > 0 for each in path)
    assert all(one.start + one.length == next_.start for one, next_ in pairwise(path))
    tops = [node for node in tree if node.parent is None]
    if path:
        extent = (path[0].start, path[-1].start + path[-1].length)
        assert extent in {(top.start, top.end) for top in tops}
    else:
        roots = [top for top in tops if not top.orphan] or tops
        assert all(top.span.duration == 0 for top in roots)


@given(TREES)
def test_a_span_is_on_the_path_only_while_it_runs(tree: Tree) -> None:
    for each in critical_path(tree):
        node = tree[each.node]
        assert node.start <= each.start
        assert each.start + each.length <= node.end


@given(TREES)
def test_self_times_are_parts_of_durations(tree: Tree) -> None:
    for node, own in zip(tree, self_times(tree), strict=True):
        assert 0 <= own <= node.span.duration


@given(TREES)
def test_a_span_is_moved_only_by_another_clock_and_then_it_fits(tree: Tree) -> None:
    for node in tree:
        above = None if node.parent is None else tree[node.parent]
        if above is None:
            assert node.skew == 0
        elif above.span.clock == node.span.clock:
            assert node.skew == above.skew
        elif node.skew:
            assert above.start <= node.start
            assert node.end <= above.end or node.span.duration > above.span.duration


@given(SPANS, st.randoms(use_true_random=False))
def test_the_order_in_which_spans_come_changes_nothing(spans: list[Span], random: Random) -> None:
    shuffled = list(spans)
    random.shuffle(shuffled)
    assert shape(build_tree(shuffled)) == shape(build_tree(spans))
