"""What slo.yaml declares: promises, how they are broken, and what else somebody must know of.

Each objective burns its budget in three ways, which are three alerts: what failed in the long
window must be too much, and in the short one too, so that an alert ends soon after its cause.
https://sre.google/workbook/alerting-on-slos/
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Any

import yaml

FILE = Path(__file__).parents[1] / "slo.yaml"
UNITS = {"m": "minutes", "h": "hours", "d": "days"}


@dataclass(frozen=True, slots=True)
class Objective:
    """A promise. `bad` or else `good` selects what counts, among `all`."""

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
        """How much failed; `function` is rate or increase."""
        if self.bad:
            return f"(sum({function}({self.bad}[{window}])) or vector(0))"
        return f"(sum({function}({self.all}[{window}])) - sum({function}({self.good}[{window}])))"

    def share(self, window: str) -> str:
        """The share that failed, a query."""
        return f"{self.failed('rate', window)}\n/ sum(rate({self.all}[{window}]))"


@dataclass(frozen=True, slots=True)
class Burn:
    """A way of spending the budget too fast: `spends` percent of it within `long`."""

    name: str
    spends: float
    long: str
    short: str
    severity: str
    every: str


@dataclass(frozen=True, slots=True)
class Alert:
    """What somebody is told, and when. `query` is compared with `limit` by `operator`."""

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

    @property
    def minutes(self) -> int:
        """How long it must have been so."""
        return duration(self.hold) // timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Plan:
    """All of slo.yaml."""

    channel: str
    links: Mapping[str, str]
    window: str
    least: int
    objectives: Sequence[Objective]
    burns: Sequence[Burn]
    alerts: Sequence[Alert]

    def rate(self, burn: Burn) -> float:
        """How many times faster than allowed it is."""
        return round(burn.spends / 100 * (duration(self.window) / duration(burn.long)), 6)

    def burning(self) -> Iterator[tuple[Alert, tuple[Objective, Burn]]]:
        """The alerts of the objectives, and what each is about."""
        for which in product(self.objectives, self.burns):
            yield self._burning(*which), which

    def everything(self) -> list[Alert]:
        """All alerts."""
        return [*(alert for alert, _ in self.burning()), *self.alerts]

    def _burning(self, objective: Objective, burn: Burn) -> Alert:
        limit, rate = round(self.rate(burn) * objective.allowed, 9), self.rate(burn)
        return Alert(
            name=f"{objective.name}-{burn.name}",
            title=f"{objective.name.capitalize()} burns {burn.name}",
            summary=f"{{value}} {objective.failures} within {burn.long}",
            description=f"{objective.promise} Promised for {objective.target:g} % in "
            f"{self.window}. Burn rate {rate:g} or more: {burn.spends:g} % of what may fail in "
            f"{self.window} is spent within {burn.long}, and it goes on.",
            query=f"{objective.share(burn.long)}\n"
            f"and {objective.share(burn.short)} > {limit}\n"
            f"and {objective.failed('increase', burn.long)} >= {self.least}",
            operator=">",
            limit=limit,
            unit="percentunit",
            hold="1m",
            every=burn.every,
            severity=burn.severity,
            dashboard="vitrine-slo",
            section=objective.name,
        )


def duration(text: str) -> timedelta:
    """`5m`, `6h`, `30d`."""
    return timedelta(**{UNITS[text[-1]]: int(text[:-1])})


def read(path: Path = FILE) -> Plan:
    """Everything that is declared. Raises KeyError for what is missing."""
    told: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    service = f'"service.name"=~"{told["service"]}"'

    def query(text: str) -> str:
        return text.replace("{service}", service)

    return Plan(
        channel=told["channel"],
        links=told["links"],
        window=told["window"],
        least=told["least_failures"],
        objectives=[
            Objective(
                name, each["target"], each["promise"], each["failures"], query(each["all"]),
                query(each.get("bad", "")), query(each.get("good", "")),
            )
            for name, each in told["objectives"].items()
        ],
        burns=[Burn(name, **each) for name, each in told["burns"].items()],
        alerts=[
            Alert(
                name, each["title"], each["summary"], each["description"], query(each["query"]),
                ">" if "above" in each else "<=", each.get("above", each.get("at_most")),
                each["unit"], each["for"], each.get("every", "1m"), each["severity"],
                each["dashboard"], name,
            )
            for name, each in told["alerts"].items()
        ],
    )  # fmt: skip
