"""Which alert rules meet their condition in a drill, and when: the rules of `slo/`, over views.

A rule fires after its condition has held for minutes, which is longer than a drill. So the time is
that of the first evaluation at which the condition is met. Only telemetry since the baseline is
read: rules look back for five minutes or more, and an earlier drill must not count.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from observatory.compare.sources import Query, Value
from observatory.health.objectives import beyond
from observatory.health.promql import Demand, evaluate
from observatory.health.series import load
from slo.objectives import Plan, read

EVERY = 5.0
"""Seconds between two evaluations."""


def conditions_met(query: Query, base: int, start: int, end: int) -> dict[str, float]:
    """Titles of the rules whose condition is met between `start` and `end` but not at `start`,
    with the seconds since `start`; the earliest first. Times in nanoseconds."""
    plan = _plan()
    times = [start / 1e9 + EVERY * at for at in range(int((end - start) / 1e9 / EVERY) + 1)]
    demand = Demand()
    for alert in plan.everything():
        demand.add([(alert.query, times)])
    stored = load(_Rows(query), demand, since=base / 1e9)
    met: dict[str, float] = {}
    for alert in plan.everything():
        found = [at for at in times if beyond(alert, evaluate(alert.query, at, stored))]
        if found and found[0] > times[0]:
            met[alert.title] = found[0] - times[0]
    return dict(sorted(met.items(), key=lambda each: each[1]))


def _plan() -> Plan:
    return read(Path(__file__).parents[2] / "slo")


class _Rows:
    def __init__(self, query: Query) -> None:
        self._query = query

    def rows(
        self, sql: str, values: Mapping[str, Value] | None = None
    ) -> Sequence[Mapping[str, Any]]:
        return self._query(sql, values or {})
