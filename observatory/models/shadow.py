"""How a challenger scores the requests that the champion answered, from the spans of comparisons.

Spans give exact values and lead to their requests. Where traces are sampled, the figures are those
of the kept comparisons.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from observatory.models.window import AT, MILLISECONDS, WITHIN, Line, Window, label_sql

MEASURES = ("overlap", "concordance", "score_shift")
MAX_WORST = 10
_CHAMPION = label_sql("attributes['vitrine.model.name']", "attributes['vitrine.model.version']")
_VALUE = "toFloat64OrNull(attributes['vitrine.shadow.{}'])"
_COMPARED = f"""
SELECT
    {AT} AS at,
    {_CHAMPION} AS champion, attributes['vitrine.shadow.version'] AS challenger,
    count() AS comparisons, countIf(status = 'error') AS failed,
    {", ".join(f"avg({_VALUE.format(each)}) AS {each}" for each in MEASURES)}
FROM vitrine.spans
WHERE name = 'compare shadow model' AND {WITHIN}
GROUP BY at, champion, challenger ORDER BY at
"""
_WORST = f"""
SELECT
    {MILLISECONDS} AS at, trace_id, links[1].trace_id AS request,
    {_CHAMPION} AS champion, attributes['vitrine.shadow.version'] AS challenger,
    attributes['error.type'] AS error,
    {", ".join(f"{_VALUE.format(each)} AS {each}" for each in MEASURES)}
FROM vitrine.spans
WHERE name = 'compare shadow model' AND {WITHIN}
ORDER BY ifNull(overlap, -1), ifNull(concordance, -1), time DESC LIMIT {MAX_WORST}
"""


@dataclass(frozen=True, slots=True)
class Pair:
    """A champion and its challenger; means over the comparisons that did not fail."""

    champion: str
    challenger: str
    comparisons: int
    failed: int
    overlap: float | None
    concordance: float | None
    score_shift: float | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """One comparison; `request`: the trace of its request; `error`: why the challenger failed."""

    at: int
    champion: str
    challenger: str
    overlap: float | None
    concordance: float | None
    score_shift: float | None
    error: str
    trace_id: str
    request: str


@dataclass(frozen=True, slots=True)
class Shadow:
    """`lines`: by measure, one for each pair; `worst`: the comparisons that agree least."""

    pairs: Sequence[Pair]
    lines: Mapping[str, Sequence[Line]]
    worst: Sequence[Comparison]


def shadow(window: Window) -> Shadow:
    """The comparisons in the window."""
    rows = window.rows(_COMPARED)
    grouped: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in rows:
        grouped.setdefault((row["champion"], row["challenger"]), []).append(row)
    pairs = [_pair(*names, group) for names, group in grouped.items()]
    return Shadow(
        sorted(pairs, key=lambda each: (-each.comparisons, each.challenger)),
        {each: window.lines(rows, _label, itemgetter(each)) for each in MEASURES},
        [Comparison(**row) for row in window.rows(_WORST)],
    )


def _pair(champion: str, challenger: str, rows: Sequence[Mapping[str, Any]]) -> Pair:
    return Pair(
        champion,
        challenger,
        comparisons=sum(row["comparisons"] for row in rows),
        failed=sum(row["failed"] for row in rows),
        **{each: _mean(rows, each) for each in MEASURES},
    )


def _mean(rows: Sequence[Mapping[str, Any]], measure: str) -> float | None:
    known = [
        (row[measure], row["comparisons"] - row["failed"])
        for row in rows
        if row[measure] is not None
    ]
    count = sum(weight for _, weight in known)
    return sum(value * weight for value, weight in known) / count if count else None


def _label(row: Mapping[str, Any]) -> str:
    return f"{row['challenger']} ~ {row['champion']}"
