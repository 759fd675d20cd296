"""Which version serves where, and how its answers are, from the telemetry of the service.

Answers are counted from the wide events in the logs, which no sampling drops.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from observatory.models.window import AT, MILLISECONDS, WITHIN, Line, Window, label_sql

MAX_INSTANCES, MAX_ROWS = 50, 5_000
_INSTANCES = f"""
SELECT
    service, resource['service.instance.id'] AS instance,
    argMax(attributes['vitrine.model.name'], time) AS model,
    argMax(attributes['vitrine.model.version'], time) AS version,
    {label_sql("model", "version")} AS label,
    argMax(attributes['vitrine.embedder.version'], time) AS embedder,
    max({MILLISECONDS}) AS seen
FROM vitrine.metrics
WHERE name = 'vitrine.instance.info' AND {WITHIN}
GROUP BY service, instance ORDER BY seen DESC, service, instance LIMIT {MAX_INSTANCES}
"""
_ANSWERS = f"""
SELECT
    {AT} AS at,
    attributes['vitrine.model.name'] AS model, attributes['vitrine.model.version'] AS version,
    {label_sql("model", "version")} AS label,
    count() AS answers,
    countIf(attributes['vitrine.ranking.degraded'] = 'true') AS degraded,
    countIf(attributes['vitrine.relevance.answered'] != '') AS judged,
    countIf(attributes['vitrine.relevance.answered'] = 'true') AS answered,
    countIf(attributes['vitrine.relevance.probability'] != '') AS calibrated,
    sum(toFloat64OrZero(attributes['vitrine.relevance.probability'])) AS relevance
FROM vitrine.logs
WHERE event = 'recommendation.served' AND {WITHIN}
GROUP BY at, model, version ORDER BY at, model, version LIMIT {MAX_ROWS}
"""


@dataclass(frozen=True, slots=True)
class Instance:
    """A process of the service and the version it serves; `seen`: milliseconds since 1970."""

    service: str
    instance: str
    model: str
    version: str
    label: str
    embedder: str
    seen: int


@dataclass(frozen=True, slots=True)
class Version:
    """Answers of one version; shares are None without answers that have the attribute.

    `relevance`: mean calibrated probability that the first result answers the query.
    """

    model: str
    version: str
    answers: int
    share: float
    degraded: float
    answered: float | None
    relevance: float | None


@dataclass(frozen=True, slots=True)
class Answers:
    """Versions in the window, and the same over time; `rate`: answers per second."""

    versions: Sequence[Version]
    rate: Sequence[Line]
    answered: Sequence[Line]
    relevance: Sequence[Line]


def instances(window: Window) -> list[Instance]:
    """The processes, the last seen first."""
    return [Instance(**row) for row in window.rows(_INSTANCES)]


def answers(window: Window) -> Answers:
    """Answers by version."""
    rows = window.rows(_ANSWERS)
    totals: dict[tuple[str, str], dict[str, float]] = {}
    for row in rows:
        total = totals.setdefault((row["model"], row["version"]), {})
        for name in ("answers", "degraded", "judged", "answered", "calibrated", "relevance"):
            total[name] = total.get(name, 0) + row[name]
    every = sum(each["answers"] for each in totals.values())
    found = [_version(name, total, every) for name, total in totals.items()]

    def line(some: str, all_: str) -> list[Line]:
        return window.lines(rows, itemgetter("label"), lambda row: _share(row, some, all_))

    return Answers(
        versions=sorted(found, key=lambda each: (-each.answers, each.version)),
        rate=window.lines(
            rows, itemgetter("label"), lambda row: row["answers"] / window.seconds(row["at"])
        ),
        answered=line("answered", "judged"),
        relevance=line("relevance", "calibrated"),
    )


def _version(name: tuple[str, str], total: Mapping[str, float], every: float) -> Version:
    return Version(
        *name,
        answers=int(total["answers"]),
        share=total["answers"] / every,
        degraded=total["degraded"] / total["answers"],
        answered=_share(total, "answered", "judged"),
        relevance=_share(total, "relevance", "calibrated"),
    )


def _share(row: Mapping[str, Any], some: str, all_: str) -> float | None:
    return row[some] / row[all_] if row[all_] else None
