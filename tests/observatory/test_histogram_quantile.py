"""The function that SigNoz's percentiles call, with quantiles worked out by hand."""

from math import inf, isnan, nan

import pytest

from observatory.store.engine import Engine
from observatory.store.schema import CLICKHOUSE
from tests.cases import cases

FUNCTIONS = (CLICKHOUSE / "server" / "functions.sql").read_text()
Numbers = list[float]
CASES: dict[str, tuple[Numbers, Numbers, float, float]] = {
    "half way into the second": ([1, 2, 4, inf], [10, 30, 40, 40], 0.5, 1.5),
    "the first begins at 0": ([1, 2, inf], [10, 20, 20], 0.25, 0.5),
    "on a bound": ([1, 2, 4, inf], [10, 30, 40, 40], 0.25, 1),
    "all of them": ([1, 2, 4, inf], [10, 30, 40, 40], 1, 4),
    "past empty buckets": ([1, 2, 4, 8, inf], [10, 10, 10, 20, 20], 0.75, 6),
    "in any order": ([inf, 2, 1, 4], [40, 30, 10, 40], 0.5, 1.5),
    "beyond the last bound": ([1, 2, inf], [1, 1, 10], 0.99, 2),
    "all beyond the only bound": ([1, inf], [0, 5], 0.5, 1),
    "a count falls: as many as before": ([1, 2, 4, inf], [10, 30, 20, 20], 0.75, 1.625),
    "in a first that ends below 0": ([-2, -1, inf], [4, 10, 10], 0.2, -2),
    "between bounds below 0": ([-2, -1, inf], [4, 10, 10], 0.7, -1.5),
    "no bucket": ([], [], 0.5, nan),
    "one bucket": ([inf], [5], 0.5, nan),
    "none is infinite": ([1, 2], [1, 2], 0.5, nan),
    "nothing observed": ([1, 2, inf], [0, 0, 0], 0.5, nan),
}


@pytest.fixture(scope="module")
def engine_with_it(engine: Engine) -> Engine:
    engine.run(FUNCTIONS)
    return engine


@cases("case", CASES)
def test_it_is_what_was_worked_out(engine_with_it: Engine, case: str) -> None:
    bounds, counts, quantile, expected = CASES[case]
    stored = engine_with_it.run(
        "SELECT histogramQuantile(bounds, counts, {q:Float64}) FROM (SELECT"
        " {bounds:Array(Float64)} AS bounds, {counts:Array(Float64)} AS counts, materialize(1))",
        bounds=bounds, counts=counts, q=quantile,
    )  # fmt: skip
    found = float(stored)
    assert (isnan(found) and isnan(expected)) or found == pytest.approx(expected)


def test_a_row_for_each_interval_as_signoz_asks(engine_with_it: Engine) -> None:
    stored = engine_with_it.run(
        "SELECT ts, histogramQuantile("
        "arrayMap(x -> toFloat64(x), groupArray(le)), groupArray(n), 0.5)"
        " FROM values('ts UInt8, le String, n Float64', (1, '1', 10), (1, '+Inf', 40),"
        " (1, '2', 30), (1, '4', 40), (2, '+Inf', 0), (2, '1', 0), (3, '+Inf', 4), (3, '0.5', 4))"
        " GROUP BY ts ORDER BY ts"
    )
    assert stored.decode().split("\n") == ["1\t1.5", "2\tnan", "3\t0.25", ""]


def test_the_file_may_be_applied_again(engine_with_it: Engine) -> None:
    engine_with_it.run(FUNCTIONS)
    made = "SELECT count() FROM system.functions WHERE name = 'histogramQuantile'"
    assert engine_with_it.run(made) == b"1\n"
