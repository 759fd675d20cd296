"""nDCG against hand-worked values, and the interval around it."""

import math
import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest

from app.model.calibration import FirstResults, measure
from app.model.evaluation import compare
from app.model.ranking_metrics import ndcg, quality
from tests.cases import cases


def first_results(values: np.ndarray) -> FirstResults:
    """Every other one is good, the others are out of the domain."""
    good = np.arange(len(values)) % 2 == 0
    return FirstResults(values[:, None], good, ~good)


def test_ndcg_of_a_ranking_worked_by_hand() -> None:
    relevance = {"a": 3.0, "b": 2.0, "c": 1.0}
    gained = 2 / math.log2(2) + 3 / math.log2(4)
    ideal = 3 / math.log2(2) + 2 / math.log2(3) + 1 / math.log2(4)
    assert ndcg(["b", "x", "a"], relevance) == pytest.approx(gained / ideal)


def test_the_ideal_ranking_has_one_and_an_irrelevant_one_none() -> None:
    relevance = {"a": 3.0, "b": 1.0}
    assert ndcg(["a", "b"], relevance) == pytest.approx(1)
    assert ndcg(["x", "y"], relevance) == 0
    assert ndcg(["x"], {}) == 0


def test_documents_below_the_cut_gain_nothing() -> None:
    ranking = [f"other-{n}" for n in range(10)] + ["a"]
    assert ndcg(ranking, {"a": 1.0}) == 0
    assert ndcg(ranking, {"a": 1.0}, cut=11) > 0


def test_the_interval_holds_the_mean_and_narrows_with_more_queries() -> None:
    values = np.tile([0.0, 0.5, 1.0, 0.9], 5)
    few, many = quality(values), quality(np.tile(values, 50))
    assert few.low < few.mean < few.high
    assert few.mean == pytest.approx(0.6)
    assert many.high - many.low < few.high - few.low
    assert few == quality(values), "the same values, the same interval"


@pytest.mark.lasting
@cases(
    "resampled",
    [
        quality,
        lambda values: compare(values[::2], values[1::2]),
        lambda values: measure(values, first_results(values), 0.5),
    ],
    ids=["bootstrap", "permutation test", "AUC"],
)
def test_resampling_needs_little_memory(resampled: Callable[[np.ndarray], object]) -> None:
    values = np.random.default_rng(0).random(1_000)
    resampled(values[:20])  # imports
    tracemalloc.start()
    try:
        resampled(values)
        assert tracemalloc.get_traced_memory()[1] < 15_000_000
    finally:
        tracemalloc.stop()
