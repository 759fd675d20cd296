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
from app.telemetry.kit import vocabulary as kit_names
from app.telemetry.kit.vocabulary import SECONDS
from observatory.store.engine import Engine
from tests.observatory.report_results import Reports
from tests.observatory.report_telemetry import Attributes, Histogram, Number
from tests.signoz.panels import Panel, panel, panels

DAY = 24 * 3600
IN_SQL = [each for each in panels() if each.sql]
BUDGETS = "SLO compliance over 30 days"


def asked(engine: Engine, view: Panel, ago: float = 0) -> list[dict[str, Any]]:
    """The rows of a panel's query, for a time that ends so many seconds ago."""
    [sql] = view.sql
    until = round((time.time() - ago) * 1000)
    sql = sql.replace("{{.end_timestamp_ms}}", str(until))
    assert not re.search(r"\{\{|\?", sql)  # SigNoz takes question marks for parameters
    return [json.loads(line) for line in engine.run(f"{sql}\nFORMAT JSONEachRow").splitlines()]


def budgets(engine: Engine) -> dict[str, dict[str, float]]:
    """The table's values by objective; each number panel shows the same."""
    rows = {row.pop("objective"): row for row in asked(engine, panel(BUDGETS))}
    for name, row in rows.items():
        [number] = asked(engine, panel(f"{name.capitalize()}: error budget left"))
        assert number == {"value": row["budget_left"]}
    return rows


@pytest.mark.usefixtures("reports")
@pytest.mark.parametrize("view", IN_SQL, ids=str)
def test_every_query_runs_over_empty_tables(both: Engine, view: Panel) -> None:
    rows = asked(both, view)
    columns = view.plugin["formatting"].get("columnUnits", {"value": ""})
    assert all(columns.keys() <= row.keys() for row in rows)
    assert view.dashboard != "vitrine-slo" or rows == []


def answered(
    days: float, quick: int, slow: int = 0, status: int = 200, route: str = "/recommend"
) -> Histogram:
    """How many requests one process had answered till then, within 0.25 s and later."""
    counts = [0] * (len(SECONDS) + 1)
    counts[SECONDS.index(0.25)], counts[-1] = quick, slow
    return Histogram(
        name=kit_names.SERVER_DURATION, ago=days * DAY, bounds=SECONDS, counts=tuple(counts),
        attributes={HTTP_ROUTE: route, HTTP_RESPONSE_STATUS_CODE: status},
    )  # fmt: skip


def served(days: float, times: int, *, degraded: bool) -> Number:
    """How many recommendations one process had served till then."""
    telemetry: Attributes = {v.DEGRADED: degraded}
    return Number(name=v.RECOMMENDATIONS, ago=days * DAY, value=times, attributes=telemetry)


def test_budgets_are_counted_over_thirty_days(both: Engine, reports: Reports) -> None:
    """1,990 more than the 500 before and 10 with 503: 10 of 2,000 failed; 30 of 1,990 were late."""
    reports.insert(
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
            "target": 0.999, "actual": 1 - 10 / 2000, "events": 2000, "failures": 10,
            "budget_left": 1 - 10 / 2,
        }),
        "latency": pytest.approx({
            "target": 0.95, "actual": 1 - 30 / 1990, "events": 1990, "failures": 30,
            "budget_left": 1 - 30 / 99.5,
        }),
        "quality": pytest.approx({
            "target": 0.99, "actual": 0.995, "events": 1000, "failures": 5, "budget_left": 0.5,
        }),
    }  # fmt: skip


def test_what_starts_again_is_added(both: Engine, reports: Reports) -> None:
    """A process that is restarted under its name, and one beside it."""
    before, after = answered(3, 100), answered(2, 40)
    reports.insert(before, after, replace(answered(1, 60), instance="two"))
    assert budgets(both)["availability"]["events"] == 200


def test_what_another_service_emits_is_not_ours(both: Engine, reports: Reports) -> None:
    reports.insert(answered(1, 100))
    both.run(
        "INSERT INTO signoz_metrics.time_series_v4 SELECT * REPLACE("
        "map('service.name', 'another') AS resource_attrs, fingerprint + 1 AS fingerprint) "
        "FROM signoz_metrics.time_series_v4"
    )
    both.run(
        "INSERT INTO signoz_metrics.distributed_samples_v4 SELECT * REPLACE("
        "fingerprint + 1 AS fingerprint) FROM signoz_metrics.distributed_samples_v4"
    )
    assert budgets(both)["availability"]["events"] == 100
