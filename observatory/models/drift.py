"""Drift by feature over time, and the evaluations it was found in.

The thresholds are the service's (docs/drift.md), which a test compares.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

from observatory.models.window import AT, MILLISECONDS, WITHIN, Line, Window, label_sql

THRESHOLD, THRESHOLDS = 0.25, {"category": 0.1}
"""Population stability index from which on a feature may have drifted, and the exceptions."""
MAX_EVALUATIONS = 20
_VERSION = label_sql("attributes['vitrine.model.name']", "attributes['vitrine.model.version']")
_INDICES = f"""
SELECT
    {AT} AS at, attributes['vitrine.drift.feature'] AS feature,
    {_VERSION} AS version, max(value) AS psi
FROM vitrine.metrics
WHERE name = 'vitrine.drift.psi' AND {WITHIN}
GROUP BY at, feature, version ORDER BY feature, at
"""
_EVALUATIONS = f"""
SELECT
    {MILLISECONDS} AS at, service, trace_id,
    {_VERSION} AS version,
    attributes['vitrine.drift.drifting'] = 'true' AS drifting,
    JSONExtract(attributes['vitrine.drift.drifted'], 'Array(String)') AS drifted,
    toUInt32OrZero(attributes['vitrine.drift.requests']) AS requests,
    toUInt32OrZero(attributes['vitrine.drift.distinct_queries']) AS distinct_queries,
    toFloat64OrNull(attributes['vitrine.drift.centroid_distance']) AS centroid_distance
FROM vitrine.spans
WHERE name = 'evaluate drift' AND {WITHIN}
ORDER BY time DESC LIMIT {MAX_EVALUATIONS}
"""


@dataclass(frozen=True, slots=True)
class Feature:
    """The population stability index of a feature, the largest of the instances; `latest`: of the
    newest step."""

    feature: str
    threshold: float
    latest: float
    lines: Sequence[Line]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One evaluation of a window of answers. `at`: milliseconds since 1970; `drifted`: features."""

    at: int
    service: str
    version: str
    drifting: bool
    drifted: Sequence[str]
    requests: int
    distinct_queries: int
    centroid_distance: float | None
    trace_id: str


@dataclass(frozen=True, slots=True)
class Drift:
    """`evaluations`: the newest first."""

    features: Sequence[Feature]
    evaluations: Sequence[Evaluation]


def drift(window: Window) -> Drift:
    """Features in descending order of their latest index."""
    features = []
    for name, group in groupby(window.rows(_INDICES), itemgetter("feature")):
        rows = list(group)
        newest = max(row["psi"] for row in rows if row["at"] == rows[-1]["at"])
        lines = window.lines(rows, itemgetter("version"), itemgetter("psi"))
        features.append(Feature(name, THRESHOLDS.get(name, THRESHOLD), newest, lines))
    features.sort(key=lambda each: (-each.latest / each.threshold, each.feature))
    return Drift(features, [_evaluation(row) for row in window.rows(_EVALUATIONS)])


def _evaluation(row: Mapping[str, Any]) -> Evaluation:
    return Evaluation(
        at=row["at"],
        service=row["service"],
        version=row["version"],
        drifting=bool(row["drifting"]),
        drifted=row["drifted"],
        requests=row["requests"],
        distinct_queries=row["distinct_queries"],
        centroid_distance=row["centroid_distance"],
        trace_id=row["trace_id"],
    )
