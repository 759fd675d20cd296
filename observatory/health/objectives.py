"""Objectives and alerts of `slo/`, evaluated over the store: the rules of SigNoz and Prometheus.

An alert fires if its condition held at every minute of the time that it must hold, as in SigNoz;
until then it is pending. The error budget is that of the objective's window, or of the retention
where that is shorter.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isnan
from operator import itemgetter
from typing import Literal

from observatory.health import exemplar, series
from observatory.health.promql import (
    COMPARISONS,
    Demand,
    Labels,
    Unsupported,
    Vector,
    evaluate,
    selectors,
)
from observatory.ui.queries import Queries
from slo.objectives import Alert, Objective, Plan, duration

MINUTE = 60.0
CHART_SECONDS = 3600.0
"""How far back the chart of an alert goes, at a value a minute."""
State = Literal["firing", "pending", "ok", "unknown"]
ORDER: Mapping[State, int] = {"firing": 0, "pending": 1}
"""The active states, the worst first."""


@dataclass(frozen=True, slots=True)
class ObjectiveHealth:
    """Shares are in [0, 1]; they are None where there was no request."""

    name: str
    promise: str
    target: float
    measured: float | None
    requests: float
    failed: float
    budget_left: float | None
    """Share of the error budget; below 0 it is overspent."""
    window_seconds: float
    """The window that these numbers cover."""
    burn_rates: Mapping[str, float | None]
    """By window, such as `1h`; at 1 the budget lasts exactly its window."""

    @property
    def is_met(self) -> bool | None:
        """Whether the target is reached; None without requests."""
        return None if self.measured is None else self.measured >= self.target


@dataclass(frozen=True, slots=True)
class Chart:
    """The alert's value over time; the alert's condition compares it with `limit`."""

    times: Sequence[float]
    """Seconds since 1970."""
    values: Sequence[float | None]
    limit: float
    unit: str


@dataclass(frozen=True, slots=True)
class AlertHealth:
    """One alert rule, now."""

    name: str
    title: str
    severity: str
    state: State
    summary: str
    """What is wrong, with numbers; for an unknown state, why it can't be evaluated."""
    description: str
    section: str
    """Anchor in the runbook."""
    held_seconds: float = 0
    """How long the condition has held, at most an hour; it must hold for `hold_seconds`."""
    hold_seconds: float = 0
    chart: Chart | None = None
    trace_id: str | None = None
    """A trace that shows the problem."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules as they are now; both empty if nothing that they are about is stored."""

    objectives: Sequence[ObjectiveHealth] = ()
    alerts: Sequence[AlertHealth] = ()


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The rules of a plan at one moment: `demand` what they read, then evaluate what was loaded."""

    queries: Queries
    plan: Plan
    now: float
    """Seconds since 1970."""
    _problems: dict[str, str] = field(default_factory=dict)

    @property
    def window(self) -> float:
        """Seconds of the error budget."""
        retention = self.queries.parts.settings.retention_hours * 3600.0
        return min(duration(self.plan.window).total_seconds(), retention)

    def demand(self, demand: Demand) -> None:
        """Add what the rules read.

        Raises:
            Unsupported: an objective's query can't be evaluated.

        """
        for query in self._objective_queries():
            demand.add([(query, [self.now])])
        for alert in self.plan.everything():
            try:
                demand.add([(alert.query, self._times(alert))])
            except Unsupported as error:
                self._problems[alert.name] = str(error)

    def rules(self, stored: series.Stored) -> Rules:
        """The rules as they are.

        Raises:
            Problem: a query failed.

        """
        totals = [(selectors(each.all)[0], each) for each in self.plan.objectives]
        if all(stored.oldest(selector) is None for selector, _ in totals):
            return Rules()
        objectives = [
            self._objective(each, stored, stored.oldest(selector)) for selector, each in totals
        ]
        found = [self._alert(alert, stored) for alert in self.plan.everything()]
        return Rules(objectives, self._with_evidence(found))

    def _objective_queries(self) -> Iterator[str]:
        for objective in self.plan.objectives:
            yield objective.failed("increase", self._budget_window)
            yield f"sum(increase({objective.all}[{self._budget_window}]))"
            yield from (objective.share(window) for window in self._burn_windows())

    @property
    def _budget_window(self) -> str:
        return f"{self.window:.0f}s"

    def _burn_windows(self) -> list[str]:
        windows = {each for burn in self.plan.burns for each in (burn.short, burn.long)}
        return sorted(windows, key=duration)

    def _objective(
        self, objective: Objective, stored: series.Stored, oldest: float | None
    ) -> ObjectiveHealth:
        def number(query: str) -> float | None:
            return _largest(evaluate(query, self.now, stored))

        requests = number(f"sum(increase({objective.all}[{self._budget_window}]))") or 0.0
        failed = number(objective.failed("increase", self._budget_window)) or 0.0
        shares = {window: number(objective.share(window)) for window in self._burn_windows()}
        return ObjectiveHealth(
            name=objective.name,
            promise=objective.promise,
            target=1 - objective.allowed,
            measured=1 - failed / requests if requests else None,
            requests=requests,
            failed=failed,
            budget_left=1 - failed / requests / objective.allowed if requests else None,
            window_seconds=min(self.window, self.now - oldest if oldest else self.window),
            burn_rates={
                window: None if share is None else share / objective.allowed
                for window, share in shares.items()
            },
        )

    def _times(self, alert: Alert) -> list[float]:
        """The moments at which the condition must hold, the newest first."""
        return [self.now - MINUTE * minutes for minutes in range(alert.minutes + 1)]

    def _alert(self, alert: Alert, stored: series.Stored) -> AlertHealth:
        if alert.name in self._problems:
            return _stated(alert, "unknown", f"Not evaluated: {self._problems[alert.name]}")
        values = [beyond(alert, evaluate(alert.query, at, stored)) for at in self._times(alert)]
        if not values[0]:
            return _stated(alert, "ok", "")
        held = next((at for at, vector in enumerate(values) if not vector), len(values)) - 1
        state: State = "firing" if held == alert.minutes else "pending"
        text = summary(alert, *max(values[0].items(), key=itemgetter(1)))
        return _stated(alert, state, text, held * MINUTE)

    def _with_evidence(self, found: Sequence[AlertHealth]) -> list[AlertHealth]:
        """Active alerts with their chart and a trace; active ones first."""
        rules = {alert.name: alert for alert in self.plan.everything()}
        charted = {alert.name: alert.query for alert in self.plan.alerts} | {
            alert.name: objective.share(burn.short)
            for alert, (objective, burn) in self.plan.burning()
        }
        active = [each for each in found if each.state in ORDER]
        count = int(CHART_SECONDS / MINUTE)
        times = [self.now - MINUTE * minutes for minutes in reversed(range(count + 1))]
        demand = Demand()
        demand.add((charted[each.name], times) for each in active)
        stored = series.load(self.queries, demand)
        evident = []
        for each in active:
            alert = rules[each.name]
            values = [_largest(evaluate(charted[each.name], at, stored)) for at in times]
            held = self._held(each, alert, values)
            chart = Chart(times, values, alert.limit, alert.unit)
            evident.append(replace(each, held_seconds=held, chart=chart))
        lasting = [(rules[each.name], each.held_seconds) for each in evident]
        traces = exemplar.traces_of(self.queries, lasting, self.now)
        evident = [replace(each, trace_id=traces[each.name]) for each in evident]
        evident.sort(key=lambda each: (ORDER[each.state], each.severity != "critical"))
        return evident + [each for each in found if each not in active]

    def _held(self, found: AlertHealth, alert: Alert, values: Sequence[float | None]) -> float:
        """For a firing alert, as far back as its chart shows."""
        if found.state != "firing":
            return found.held_seconds
        compare = COMPARISONS[alert.operator]
        held = 0
        for value in reversed(values):
            if value is None or not compare(value, alert.limit):
                break
            held += 1
        return max(found.held_seconds, (held - 1) * MINUTE)


def summary(alert: Alert, labels: Labels, value: float) -> str:
    """The alert's summary with its value and labels."""
    known = dict(labels) | {"value": _text(value, alert.unit)}
    return re.sub(r"\{([\w.]+)\}", lambda found: known.get(found[1], "?"), alert.summary)


def _text(value: float, unit: str) -> str:
    if unit == "percentunit":
        return f"{100 * value:.3g} %"
    if unit == "s":
        return _seconds(value)
    return f"{value:.4g}" + (" requests/s" if unit == "reqps" else "")


def _seconds(value: float) -> str:
    for size, name in ((86_400, "d"), (3600, "h"), (60, "min")):
        if value >= 2 * size:
            return f"{value / size:.3g} {name}"
    return f"{value:.3g} s" if value >= 1 else f"{1000 * value:.3g} ms"


def _stated(alert: Alert, state: State, text: str, held_seconds: float = 0) -> AlertHealth:
    return AlertHealth(
        name=alert.name,
        title=alert.title,
        severity=alert.severity,
        state=state,
        summary=text,
        description=alert.description,
        section=alert.section,
        held_seconds=held_seconds,
        hold_seconds=alert.minutes * MINUTE,
    )


def beyond(alert: Alert, vector: Vector) -> Vector:
    """The series whose value meets the alert's condition."""
    compare = COMPARISONS[alert.operator]
    return {labels: value for labels, value in vector.items() if compare(value, alert.limit)}


def _largest(vector: Vector) -> float | None:
    """The largest value; None if there is none."""
    return max((value for value in vector.values() if not isnan(value)), default=None)
