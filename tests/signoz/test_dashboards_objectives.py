"""What dashboards show of objectives is what slo/ declares, and what the alerts query."""

import pytest

from slo.objectives import Objective, read
from tests.cases import cases
from tests.signoz.panels import panel, panels

PLAN = read()
FAILING = {
    "availability": "Availability: failure ratio (5 min)",
    "latency": "Latency: slow ratio (5 min)",
    "quality": "Quality: degraded ratio (5 min)",
}
each_objective = pytest.mark.parametrize("objective", PLAN.objectives, ids=lambda each: each.name)


@each_objective
def test_burn_rates_are_those_of_the_alerts(objective: Objective) -> None:
    shown = panel(f"{objective.name.capitalize()}: burn rate")
    assert shown.promql == {
        f"over {burn.long}": f"({objective.share(burn.long)})\n/ {objective.allowed:g}"
        for burn in PLAN.burns
    }
    rates = [burn.rate for burn in PLAN.burns]
    assert [each["value"] for each in shown.plugin["thresholds"]] == pytest.approx(rates)


@each_objective
def test_the_share_that_fails_is_that_of_the_alerts(objective: Objective) -> None:
    shown = panel(FAILING[objective.name])
    assert [*shown.promql.values()] == [objective.share("5m")]
    assert [each["value"] for each in shown.plugin["thresholds"]] == [objective.allowed]


def test_budgets_are_of_what_was_promised() -> None:
    targets = {each.name: each.target for each in PLAN.objectives}
    names = ", ".join(f"'{name}'" for name in sorted(targets))
    shares = ", ".join(f"{targets[name] / 100:g}" for name in sorted(targets))
    queries = [sql for each in panels() if each.dashboard == "vitrine-slo" for sql in each.sql]
    assert len(queries) == 1 + len(targets)
    for sql in queries:
        assert f"[{names}]" in sql
        assert f"[{shares}]" in sql
        assert "30 * 86400000" in sql
    assert PLAN.window == "30d"


@cases(
    ("title", "objective"),
    [
        ("Error rate (recommend, 5xx)", "availability"),
        ("Degraded recommendations", "quality"),
        ("Degraded recommendations over time", "quality"),
    ],
)
def test_lines_elsewhere_are_what_is_allowed(title: str, objective: str) -> None:
    [allowed] = [each.allowed for each in PLAN.objectives if each.name == objective]
    assert [line["value"] for line in panel(title).plugin["thresholds"]] == [allowed]


def test_lines_of_durations_are_the_objective_of_latency() -> None:
    [latency] = [each for each in PLAN.objectives if each.name == "latency"]
    lines = [
        line["value"]
        for each in panels()
        for line in each.plugin.get("thresholds", [])
        if "objective" in line.get("label", "") + each.description and each.units == {"s"}
    ]
    assert len(lines) >= 4
    assert all(f'le="{line:g}"' in latency.good for line in lines)
