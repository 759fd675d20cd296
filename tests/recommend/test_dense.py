"""Vector legs against plain, slow references."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from app.recommend.dense import best, cosine, nearest_codes, sign_codes, unit
from app.recommend.types import Floats
from tests.cases import cases

NUMBER = st.floats(-1e6, 1e6, width=32)
FEW = st.sampled_from([0.0, 0.25, 0.5, 1.0, -1.0])


def columns_of(vectors: Floats) -> list[NDArray[np.uint64]]:
    return list(np.ascontiguousarray(sign_codes(vectors).T))


@given(st.lists(st.lists(NUMBER, min_size=4, max_size=4), max_size=8))
def test_unit_vectors_have_length_one_or_are_zero(rows: list[list[float]]) -> None:
    vectors = np.array(rows, np.float32).reshape(len(rows), 4)
    for scaled in (unit(vectors), np.array([unit(row) for row in vectors]).reshape(len(rows), 4)):
        assert not np.isnan(scaled).any()
        lengths = np.linalg.norm(scaled, axis=1)
        long = np.linalg.norm(vectors, axis=1) > 1e-15
        np.testing.assert_allclose(lengths[long], 1, atol=1e-5)
    assert not unit(np.zeros((2, 4), np.float32)).any()
    assert not unit(np.zeros(4, np.float32)).any()


def test_cosine_is_clipped() -> None:
    vectors = np.array([[1, 0], [-1, 0], [0, 1], [0, 0]], np.float32)
    query = np.array([1 + 1e-6, 0], np.float32)
    assert cosine(vectors, query).tolist() == [1, 0, 0, 0]


def test_equal_scores_are_decided_by_ties_alone() -> None:
    scores, ties = np.ones(4, np.float32), np.array([9, 2, 7, 4], np.uint64)
    assert best(scores, 2, ties).tolist() == [1, 3]
    codes = columns_of(np.ones((4, 64), np.float32))
    assert nearest_codes(codes, sign_codes(np.ones(64)), None, 2, ties).tolist() == [1, 3]


@given(st.lists(FEW, max_size=40), st.integers(1, 50))
def test_best_agrees_with_sorting(values: list[float], count: int) -> None:
    scores = np.array(values, np.float32)
    positive = [place for place, value in enumerate(values) if value > 0]
    expected = sorted(sorted(positive, key=lambda place: (-values[place], place))[:count])
    assert best(scores, count).tolist() == expected


@given(st.integers(0, 40), st.integers(1, 50), st.integers(0, 10_000), st.integers(1, 1100))
def test_nearest_codes_agree_with_counting_bits(n: int, count: int, seed: int, width: int) -> None:
    generator = np.random.default_rng(seed)
    vectors = generator.normal(size=(n, width)).astype(np.float32)
    vectors[::3] = vectors[:1]  # ties
    query = generator.normal(size=width).astype(np.float32)
    allowed = generator.random(n) < 0.7 if seed % 2 else None
    unlike = ((vectors > 0) != (query > 0)).sum(axis=1)
    places = [place for place in range(n) if allowed is None or allowed[place]]
    expected = sorted(sorted(places, key=lambda place: (unlike[place], place))[:count])
    found = nearest_codes(columns_of(vectors), sign_codes(query), allowed, count)
    assert found.tolist() == expected


@cases("width", [256, 300, 384, 768, 1024])
def test_the_first_pass_finds_the_nearest_whatever_the_width(width: int) -> None:
    generator = np.random.default_rng(width)
    topics = generator.normal(size=(40, width))
    made = topics.repeat(100, axis=0) + generator.normal(size=(4000, width))
    vectors = unit(made.astype(np.float32))
    codes, found = columns_of(vectors), 0
    for topic in topics:
        query = unit(topic.astype(np.float32))
        exact = best(cosine(vectors, query), 50)
        found += len(np.intersect1d(exact, nearest_codes(codes, sign_codes(query), None, 150)))
    assert found / (50 * len(topics)) > 0.95


def test_the_furthest_allowed_document_is_found_and_a_forbidden_one_is_not() -> None:
    query = np.ones(256, np.float32)
    almost_opposite = -np.ones((1, 256), np.float32)
    almost_opposite[0, :2] = 1
    both = np.concatenate([almost_opposite, query[None]])
    allowed = np.array([True, False])
    assert nearest_codes(columns_of(both), sign_codes(query), allowed, 2).tolist() == [0]
    nobody = np.array([False, False])
    assert nearest_codes(columns_of(both), sign_codes(query), nobody, 2).tolist() == []
