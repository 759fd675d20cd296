"""The objectives and alerts as declared, and the queries that follow from them.

Each objective's budget has three burn-rate alerts: the share that failed must be too large over
the long window, and over the short one too, so that an alert ends soon after its cause.
https://sre.google/workbook/alerting-on-slos/
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import Field, TypeAdapter, ValidationError, model_validator

from slo import openslo

HERE = Path(__file__).parent
Kind = TypeVar("Kind", openslo.Service, openslo.AlertNotificationTarget)
UNITS = {"m": "minutes", "h": "hours", "d": "days"}
EXTENSION = "vitrine/"
"""Prefix of the annotations that are read here."""


@dataclass(frozen=True, slots=True)
class Objective:
    """Selectors: either `bad` or `good` requests, and `all`. `target` in percent."""

    name: str
    target: float
    promise: str
    failures: str
    all: str
    bad: str
    good: str

    @property
    def allowed(self) -> float:
        """The share that may fail."""
        return round(1 - self.target / 100, 9)

    def failed(self, function: str, window: str) -> str:
        """PromQL for the number of failures; `function` is rate or increase."""
        if self.bad:
            return f"(sum({function}({self.bad}[{window}])) or vector(0))"
        return f"(sum({function}({self.all}[{window}])) - sum({function}({self.good}[{window}])))"

    def share(self, window: str) -> str:
        """PromQL for the share that failed."""
        return f"{self.failed('rate', window)}\n/ sum(rate({self.all}[{window}]))"


@dataclass(frozen=True, slots=True)
class Burn:
    """An alert policy: the budget burns `rate` times as fast as allowed over both windows."""

    name: str
    rate: float
    long: str
    short: str
    severity: str
    hold: str
    every: str


@dataclass(frozen=True, slots=True)
class Alert:
    """Active while `query` is above (or at or below) `limit`; `sql`: SigNoz's query."""

    name: str
    title: str
    summary: str
    description: str
    query: str
    operator: str
    limit: float
    unit: str
    hold: str
    every: str
    severity: str
    dashboard: str
    section: str
    sql: str = ""

    @property
    def minutes(self) -> int:
        """How long the condition must have held."""
        return duration(self.hold) // timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Plan:
    """Both files together."""

    channel: str
    runbook: str
    signoz: str
    window: str
    least: int
    objectives: Sequence[Objective]
    burns: Sequence[Burn]
    alerts: Sequence[Alert]

    def spends(self, burn: Burn) -> float:
        """Percent of the budget that is spent within the long window."""
        return round(100 * burn.rate * (duration(burn.long) / duration(self.window)), 6)

    def burning(self) -> Iterator[tuple[Alert, tuple[Objective, Burn]]]:
        """The alerts of the objectives, each with its objective and policy."""
        for which in product(self.objectives, self.burns):
            yield self._burning(*which), which

    def everything(self) -> list[Alert]:
        """All alerts."""
        return [*(alert for alert, _ in self.burning()), *self.alerts]

    def _burning(self, objective: Objective, burn: Burn) -> Alert:
        limit = round(burn.rate * objective.allowed, 9)
        return Alert(
            name=f"{objective.name}-{burn.name}",
            title=f"{objective.name.capitalize()} budget: {burn.name} burn",
            summary=f"{{value}} {objective.failures} within {burn.long}",
            description=f"{objective.promise} Objective: {objective.target:g} % over "
            f"{self.window}. The burn rate is above {burn.rate:g}: {self.spends(burn):g} % of the "
            f"error budget is spent within {burn.long}.",
            query=f"{objective.share(burn.long)}\n"
            f"and {objective.share(burn.short)} > {limit}\n"
            f"and {objective.failed('increase', burn.long)} >= {self.least}",
            operator=">",
            limit=limit,
            unit="percentunit",
            hold=burn.hold,
            every=burn.every,
            severity=burn.severity,
            dashboard="vitrine-slo",
            section=objective.name,
        )


class DeclaredAlert(openslo.Strict):
    """An alert of alerts.yaml."""

    title: str
    summary: str
    description: str
    query: str
    sql: str = ""
    above: int | float | None = None
    at_most: Annotated[int | float | None, Field(alias="at_most")] = None
    unit: Literal["", "s", "percentunit", "reqps"]
    hold: Annotated[openslo.Duration, Field(alias="for")]
    every: openslo.Duration = "1m"
    severity: Literal["critical", "warning"]
    dashboard: str

    @model_validator(mode="after")
    def _either(self) -> "DeclaredAlert":
        if (self.above is None) == (self.at_most is None):
            raise ValueError("give either above or at_most")
        return self

    def named(self, name: str) -> Alert:
        found = {">": self.above, "<=": self.at_most}
        [(operator, limit)] = [(sign, each) for sign, each in found.items() if each is not None]
        return Alert(
            **self.model_dump(exclude={"above", "at_most"}),
            name=name,
            section=name,
            operator=operator,
            limit=limit,
        )


_ALERTS = TypeAdapter(dict[openslo.Name, DeclaredAlert])


def duration(text: str) -> timedelta:
    """`5m`, `6h`, `30d`."""
    return timedelta(**{UNITS[text[-1]]: int(text[:-1])})


def read(folder: Path = HERE) -> Plan:
    """Both files of a folder. Raises InvalidDeclaration."""
    path = folder / "alerts.yaml"
    found = openslo.parsed(path)
    _demand(len(found) == 1, f"{path.name}: there must be one document")
    try:
        alerts = _ALERTS.validate_python(found[0])
    except ValidationError as error:
        raise openslo.InvalidDeclaration(openslo.explained(error, path.name)) from error
    documents = openslo.read(folder / "objectives.yaml")
    service = _only(documents, openslo.Service)
    target = _only(documents, openslo.AlertNotificationTarget)
    slos = [each for each in documents if isinstance(each, openslo.SLO)]
    policies = [each for each in documents if isinstance(each, openslo.AlertPolicy)]
    _demand_references(service, slos, policies, target)
    least = _annotation(service, "least-failures")
    _demand(least.isdecimal(), "objectives.yaml: least-failures must be a number")
    return Plan(
        channel=target.metadata.name,
        runbook=_annotation(service, "runbook"),
        signoz=_annotation(service, "signoz"),
        window=slos[0].spec.time_window[0].duration,
        least=int(least),
        objectives=[_objective(each) for each in slos],
        burns=[_burn(each) for each in policies],
        alerts=[each.named(name) for name, each in alerts.items()],
    )


def _only(documents: Sequence[openslo.Document], kind: type[Kind]) -> Kind:
    found = [each for each in documents if isinstance(each, kind)]
    _demand(len(found) == 1, f"objectives.yaml: there must be one {kind.__name__}")
    return found[0]


def _demand_references(
    service: openslo.Service,
    slos: Sequence[openslo.SLO],
    policies: Sequence[openslo.AlertPolicy],
    target: openslo.AlertNotificationTarget,
) -> None:
    """Check that every SLO refers to the service and to all policies, that all have one window, and
    that all policies refer to the target."""
    names = [each.metadata.name for each in policies]
    _demand(bool(slos), "objectives.yaml: there must be an SLO")
    for slo in slos:
        where = f"objectives.yaml: SLO {slo.metadata.name}"
        _demand(slo.spec.service == service.metadata.name, f"{where}: no such service")
        found = [each.alert_policy_ref for each in slo.spec.alert_policies]
        _demand(found == names, f"{where}: alertPolicies must be {', '.join(names)}")
        same = slo.spec.time_window == slos[0].spec.time_window
        _demand(same, f"{where}: all SLOs must have one timeWindow")
    for policy in policies:
        [used] = policy.spec.notification_targets
        where = f"objectives.yaml: AlertPolicy {policy.metadata.name}"
        _demand(used.target_ref == target.metadata.name, f"{where}: no such notification target")


def _demand(condition: bool, message: str) -> None:
    if not condition:
        raise openslo.InvalidDeclaration(message)


def _annotation(document: openslo.Document, name: str) -> str:
    value = document.metadata.annotations.get(EXTENSION + name)
    if value is None:
        raise openslo.InvalidDeclaration(
            f"objectives.yaml: {document.kind} {document.metadata.name} needs the annotation "
            f"{EXTENSION}{name}"
        )
    return value


def _objective(slo: openslo.SLO) -> Objective:
    ratio = slo.spec.indicator.spec.ratio_metric
    return Objective(
        name=slo.metadata.name,
        target=round(slo.spec.objectives[0].target * 100, 9),
        promise=slo.spec.description,
        failures=_annotation(slo, "failures"),
        all=ratio.total.metric_source.spec.query,
        bad=ratio.bad.metric_source.spec.query if ratio.bad else "",
        good=ratio.good.metric_source.spec.query if ratio.good else "",
    )


def _burn(policy: openslo.AlertPolicy) -> Burn:
    [found] = policy.spec.conditions
    return Burn(
        name=policy.metadata.name,
        rate=found.spec.condition.threshold,
        long=found.spec.condition.lookback_window,
        short=_annotation(policy, "short-window"),
        severity=found.spec.severity,
        hold=found.spec.condition.alert_after,
        every=_annotation(policy, "evaluate-every"),
    )
