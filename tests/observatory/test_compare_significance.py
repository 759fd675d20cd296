"""The tests behind a comparison, beside scipy's, R's and published ones."""

import numpy as np
import pytest
from scipy import stats

from observatory.compare.significance import (
    attainable,
    entropy,
    interval,
    mutual_information,
    p_values,
    stratified_p,
    tarone_number,
)

TABLES = [
    (0, 0, 10, 10), (10, 10, 10, 10), (1, 0, 3, 500), (8, 2, 10, 10), (40, 5, 200, 200),
    (3, 90, 25, 40_000), (12_000, 11_000, 25_000, 25_000), (900, 100, 200_000, 200_000),
]  # fmt: skip


def array(*numbers: int) -> np.ndarray:
    return np.array(numbers, dtype=np.int64)


@pytest.mark.parametrize(("a", "b", "first", "second"), TABLES)
def test_p_is_twice_the_smaller_tail_of_fishers_test(
    a: int, b: int, first: int, second: int
) -> None:
    table = [[a, first - a], [b, second - b]]
    tails = [stats.fisher_exact(table, each).pvalue for each in ("less", "greater")]
    (p,) = p_values(array(a), array(b), first, second)
    assert p == pytest.approx(min(1, 2 * min(tails)), rel=1e-6, abs=1e-300)


@pytest.mark.parametrize(("a", "b", "first", "second"), TABLES)
def test_information_is_half_of_g_per_request(a: int, b: int, first: int, second: int) -> None:
    (found,) = mutual_information(array(a), array(b), first, second)
    table = np.array([[a, first - a], [b, second - b]])
    if (table.sum(axis=0) == 0).any():
        assert found == 0
        return
    g = stats.chi2_contingency(table, correction=False, lambda_="log-likelihood").statistic
    assert found == pytest.approx(g / 2 / (first + second), abs=1e-9)
    assert found <= entropy(first, second)


def test_a_fact_of_the_first_set_alone_removes_all_uncertainty() -> None:
    (found,) = mutual_information(array(30), array(0), 30, 70)
    assert found == pytest.approx(entropy(30, 70))


def test_attainable_is_the_least_p_of_all_tables() -> None:
    for having in range(21):
        tables = [
            p_values(array(a), array(having - a), 8, 12)[0]
            for a in range(max(0, having - 12), min(8, having) + 1)
        ]
        assert attainable(array(having), 8, 12)[0] == pytest.approx(min(tables))


@pytest.mark.parametrize(
    ("smallest", "tests"),
    [([1.0] * 50, 1), ([0.001] * 10 + [1.0] * 90, 10), ([0.0099] * 100, 6), ([1e-9] * 100, 100)],
)
def test_facts_that_can_not_reach_the_level_are_no_tests(smallest: list[float], tests: int) -> None:
    assert tarone_number(np.array(smallest), 0.05) == tests


def test_interval_is_newcombes() -> None:
    """Newcombe (1998), Statistics in Medicine 17, Table II: 56/70 - 48/80, method 10."""
    assert interval(56, 70, 48, 80) == pytest.approx((0.0524, 0.3339), abs=1e-4)
    assert interval(0, 10, 0, 20) == pytest.approx((-0.1611, 0.2775), abs=1e-4)


def test_strata_take_away_what_they_explain() -> None:
    """Within each half the fact says nothing; over both it seems to."""
    first, second = array(900, 100), array(100, 900)
    having = array(100, 900)
    explained = stratified_p(array(90, 90), having, first, second)
    assert explained == pytest.approx(1, abs=0.05)
    assert stratified_p(array(180), array(1000), array(1000), array(1000)) < 1e-100
    assert stratified_p(array(5, 0), array(5, 0), array(10, 0), array(0, 10)) == 1
