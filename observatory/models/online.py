"""The online metric of each version: how users like its results, with its 95 % interval."""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter

from observatory.models.window import AT, WITHIN, Line, Window, label_sql

_ESTIMATE, _LOW, _HIGH = "estimate", "low", "high"
_QUALITY = f"""
SELECT
    {AT} AS at, attributes['vitrine.model.name'] AS model,
    attributes['vitrine.model.version'] AS version, {label_sql("model", "version")} AS label,
    attributes['vitrine.online.statistic'] AS statistic, avg(value) AS quality
FROM vitrine.metrics
WHERE name = 'vitrine.online.quality' AND {WITHIN}
GROUP BY at, model, version, statistic ORDER BY at
"""


@dataclass(frozen=True, slots=True)
class Quality:
    """The newest estimate for a version; `low`, `high`: its interval, None if unknown."""

    model: str
    version: str
    estimate: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Online:
    """`lines`: estimates over time."""

    versions: Sequence[Quality]
    lines: Sequence[Line]


def online(window: Window) -> Online:
    """Quality by version, the best first; all instances estimate it from one journal."""
    rows = window.rows(_QUALITY)
    newest: dict[tuple[str, str], dict[str, float]] = {}
    for row in rows:  # in the order of time
        newest.setdefault((row["model"], row["version"]), {})[row["statistic"]] = row["quality"]
    versions = [
        Quality(*name, found[_ESTIMATE], found.get(_LOW), found.get(_HIGH))
        for name, found in newest.items()
        if _ESTIMATE in found
    ]
    estimates = [row for row in rows if row["statistic"] == _ESTIMATE]
    return Online(
        sorted(versions, key=lambda each: -each.estimate),
        window.lines(estimates, itemgetter("label"), itemgetter("quality")),
    )
