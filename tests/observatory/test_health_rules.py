"""Alerts as the observatory evaluates them, compared with what Prometheus says.

The series and expectations are those of promtool's tests in slo/prometheus, which Prometheus itself
evaluates in tests/slo.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from observatory.health.objectives import beyond
from observatory.health.promql import (
    NO_LABELS,
    Demand,
    Labels,
    Selector,
    Unsupported,
    Window,
    evaluate,
    quantile_of,
    selectors,
)
from slo.objectives import Alert, read
from slo.prometheus_rules import translated

PROMETHEUS = Path(__file__).parents[2] / "slo" / "prometheus"
MINUTE = 60
FIRING = 'ALERTS{alertstate="firing"}'


@dataclass(frozen=True, slots=True)
class Samples:
    """Series with a value a minute, from 0 on; counted as Prometheus does, without the first."""

    series: Mapping[Labels, list[float | None]]

    def window(self, selector: Selector, start: float, end: float) -> Mapping[Labels, Window]:
        found = {}
        for labels, values in self.series.items():
            if not selector.accepts(dict(labels)):
                continue
            last = min(int(end // MINUTE), len(values) - 1)
            inside = [
                (at, value)
                for at in range(max(0, int(start // MINUTE) + 1), last + 1)
                if (value := values[at]) is not None
            ]
            before = values[int(start // MINUTE)] if 0 <= start // MINUTE < len(values) else None
            if inside:
                known = [value for _, value in inside]
                steps = zip([known[0] if before is None else before, *known], known, strict=False)
                increase = sum(new - old if new >= old else new for old, new in steps)
                at, newest = inside[-1]
                found[labels] = Window(newest, at * MINUTE, min(known), max(known), increase)
        return found


def samples(given: list[dict[str, str]]) -> Samples:
    return Samples({labels_of(each["series"]): list(values_of(each["values"])) for each in given})


def labels_of(series: str) -> Labels:
    selector: Any = promql_parser.parse(series)
    named = {("__name__", selector.name)}
    return frozenset(named | {(each.name, each.value) for each in selector.matchers.matchers})


def values_of(notation: str) -> Iterator[float | None]:
    """Promtool's notation: `1+2x3`, `1x3`, `_x3`, a number."""
    for part in notation.split():
        found = re.fullmatch(r"(_|-?[\d.e]+)(?:([+-][\d.]+))?(?:x(\d+))?", part)
        assert found, part
        first, step, times = found.groups()
        for number in range(int(times or 0) + (0 if first == "_" else 1) or 1):
            yield None if first == "_" else float(first) + number * float(step or 0)


def cases() -> Iterator[Any]:
    for path in sorted(PROMETHEUS.glob("*_test.yaml")):
        for test in yaml.safe_load(path.read_text("utf-8"))["tests"]:
            asked = [
                each
                for each in test.get("promql_expr_test", ())
                if FIRING in each["expr"]
                and all("alertname" in sample["labels"] for sample in each["exp_samples"])
            ]
            if test["interval"] == "1m" and asked:
                yield pytest.param(test["input_series"], asked, id=test["name"])


def seconds(text: str) -> int:
    units = {"d": 86_400, "h": 3600, "m": 60, "s": 1}
    return sum(int(number) * units[unit] for number, unit in re.findall(r"(\d+)([dhms])", text))


def fires(alert: Alert, at: int, source: Samples) -> bool:
    query = translated(alert.query)
    return all(
        beyond(alert, evaluate(query, at - MINUTE * number, source))
        for number in range(alert.minutes + 1)
    )


@pytest.mark.parametrize(("series", "asked"), list(cases()))
def test_the_same_alerts_fire_as_in_prometheus(
    series: list[dict[str, str]], asked: list[dict[str, Any]]
) -> None:
    source = samples(series)
    for expected in asked:
        names = {
            re.findall(r'alertname="(\w+)"', each["labels"])[0] for each in expected["exp_samples"]
        }
        at = seconds(expected["eval_time"])
        found = {
            "Vitrine" + "".join(map(str.capitalize, alert.name.split("-")))
            for alert in read().everything()
            if fires(alert, at, source)
        }
        assert found == names, expected["eval_time"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("2 * 3 + 1", {NO_LABELS: 7}),
        ("sum(a)", {NO_LABELS: 3}),
        ("sum by (of) (a) > 1", {frozenset({("of", "two")}): 2}),
        ("max(a) / count(a) == 1", {NO_LABELS: 1}),
        ("sum(none) or vector(4)", {NO_LABELS: 4}),
        ("a unless a{of='one'}", {frozenset({("__name__", "a"), ("of", "two")}): 2}),
        ("time() - max(timestamp(a))", {NO_LABELS: 0}),
        ("sum(a offset 2h) or absent_over_time(a[1m] offset 2h)", {NO_LABELS: 1}),
        ("1 - avg(a{of!~'o.*'})", {NO_LABELS: -1}),
    ],
)
def test_promql(query: str, expected: dict[Labels, float]) -> None:
    rows = [{"series": f'a{{of="{name}"}}', "values": f"{value}x60"} for name, value in
            (("one", 1), ("two", 2))]  # fmt: skip
    assert evaluate(query, 3600, samples(rows)) == expected


@pytest.mark.parametrize(
    "query",
    [
        "sum without (a) (b)",
        "predict_linear(a[5m], 60)",
        "a and on (b) c",
        "a @ 5",
        "a[",
        "topk(3, a)",
    ],
)
def test_what_is_not_evaluated_is_an_error(query: str) -> None:
    with pytest.raises(Unsupported):
        evaluate(query, 0, Demand())


def test_all_rules_can_be_evaluated() -> None:
    for alert in read().everything():
        demand = Demand()
        demand.add([(alert.query, [0.0])])
        assert set(demand.windows) == set(selectors(alert.query))


@pytest.mark.parametrize(
    ("buckets", "expected"),
    [([(1, 0), (2, 10), (float("inf"), 10)], 1.95), ([(1, 1), (float("inf"), 10)], 1)],
)
def test_quantiles(buckets: list[tuple[float, float]], expected: float) -> None:
    assert quantile_of(0.95, buckets) == pytest.approx(expected)
