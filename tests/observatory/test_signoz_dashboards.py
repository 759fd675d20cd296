"""Queries that SigNoz's dashboards have in SQL, over tables as SigNoz fills them."""

import json
import re
import time
from dataclasses import replace
from typing import Any

import pytest
from opentelemetry.semconv.attributes.http_attributes import (
    HTTP_RESPONSE_STATUS_CODE,
    HTTP_ROUTE,
)

from app.telemetry import vocabulary as v
from observatory.engine import Engine
from tests.observatory.reports_asking import Reports
from tests.observatory.reports_told import Attributes, Histogram, Number
from tests.signoz.panels import Panel, panel, panels

pytest_plugins = ["tests.observatory.reports_fixture"]
DAY = 24 * 3600
IN_SQL = [each for each in panels() if each.sql]
BUDGETS = "Are the promises kept over 30 days?"


def asked(engine: Engine, shown: Panel, ago: float = 0) -> list[dict[str, Any]]:
    """The rows of a panel's query, for a time that ends so many seconds ago."""
    [sql] = shown.sql
    until = round((time.time() - ago) * 1000)
    sql = sql.replace("{{.end_timestamp_ms}}", str(until))
    assert not re.search(r"\{\{|\?", sql)  # SigNoz takes question marks for parameters
    return [json.loads(line) for line in engine.run(f"{sql}\nFORMAT JSONEachRow").splitlines()]


def budgets(engine: Engine) -> dict[str, dict[str, float]]:
    """What the table says, by objective; each number beside it says the same."""
    rows = {row.pop("objective"): row for row in asked(engine, panel(BUDGETS))}
    for name, row in rows.items():
        [number] = asked(engine, panel(f"How much of the {name} budget is left?"))
        assert number == {"value": row["budget_left"]}
    return rows


@pytest.mark.usefixtures("reports")
@pytest.mark.parametrize("shown", IN_SQL, ids=str)
def test_every_query_runs_over_empty_tables(both: Engine, shown: Panel) -> None:
    rows = asked(both, shown)
    columns = shown.plugin["formatting"].get("columnUnits", {"A.value": ""})
    assert all({name.removeprefix("A.") for name in columns} <= row.keys() for row in rows)
    assert shown.dashboard != "vitrine-slo" or rows == []


def answered(
    days: float, quick: int, slow: int = 0, status: int = 200, route: str = "/recommend"
) -> Histogram:
    """How many requests one process had answered till then, within 0.25 s and later."""
    counts = [0] * (len(v.QUICK) + 1)
    counts[v.QUICK.index(0.25)], counts[-1] = quick, slow
    return Histogram(
        name=v.SERVER_DURATION, ago=days * DAY, bounds=v.QUICK, counts=tuple(counts),
        attributes={HTTP_ROUTE: route, HTTP_RESPONSE_STATUS_CODE: status},
    )  # fmt: skip


def served(days: float, times: int, *, degraded: bool) -> Number:
    """How many recommendations one process had served till then."""
    told: Attributes = {v.DEGRADED: degraded}
    return Number(name=v.RECOMMENDATIONS, ago=days * DAY, value=times, attributes=told)


def test_budgets_are_counted_over_thirty_days(both: Engine, reports: Reports) -> None:
    """1,990 more than the 500 before and 10 with 503: 10 of 2,000 failed; 30 of 1,990 were late."""
    reports.tell(
        answered(30.02, 500),
        answered(20, 1000, 10),
        answered(1, 2460, 30),
        answered(2, 10, status=503),
        answered(3, 10_000, status=500, route="/documents"),
        served(20, 900, degraded=False),
        served(10, 5, degraded=True),
        served(1, 995, degraded=False),
    )
    found = budgets(both)
    assert found == {
        "availability": pytest.approx({
            "promised": 0.999, "kept": 1 - 10 / 2000, "asked": 2000, "failed": 10,
            "budget_left": 1 - 10 / 2,
        }),
        "latency": pytest.approx({
            "promised": 0.95, "kept": 1 - 30 / 1990, "asked": 1990, "failed": 30,
            "budget_left": 1 - 30 / 99.5,
        }),
        "quality": pytest.approx({
            "promised": 0.99, "kept": 0.995, "asked": 1000, "failed": 5, "budget_left": 0.5,
        }),
    }  # fmt: skip


def test_what_begins_anew_is_added(both: Engine, reports: Reports) -> None:
    """A process that is restarted under its name, and one beside it."""
    before, after = answered(3, 100), answered(2, 40)
    reports.tell(before, after, replace(answered(1, 60), instance="two"))
    assert budgets(both)["availability"]["asked"] == 200


def test_what_another_service_tells_is_not_ours(both: Engine, reports: Reports) -> None:
    reports.tell(answered(1, 100))
    both.run(
        "INSERT INTO signoz_metrics.time_series_v4 SELECT * REPLACE("
        "map('service.name', 'another') AS resource_attrs, fingerprint + 1 AS fingerprint) "
        "FROM signoz_metrics.time_series_v4"
    )
    both.run(
        "INSERT INTO signoz_metrics.distributed_samples_v4 SELECT * REPLACE("
        "fingerprint + 1 AS fingerprint) FROM signoz_metrics.distributed_samples_v4"
    )
    assert budgets(both)["availability"]["asked"] == 100


def test_sizes_are_those_of_signoz(both: Engine, reports: Reports) -> None:
    reports.tell(answered(1, 100))
    rows = asked(both, panel("Which tables take the room?"))
    assert {row["table"] for row in rows} == {"distributed_samples_v4", "time_series_v4"}
    assert all(row["database"] == "signoz_metrics" and row["bytes"] > 0 for row in rows)
    [kept] = asked(both, panel("How many rows are kept?"))
    assert kept["value"] == sum(row["rows"] for row in rows)
    [free] = asked(both, panel("What share of ClickHouse's disk is free?"))
    assert 0 < free["value"] < 1
