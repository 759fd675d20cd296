"""How near the student encoder is to its teacher, from the spans of comparisons."""

from collections.abc import Mapping, Sequence
from operator import itemgetter

from observatory.models.window import AT, WITHIN, Line, Window

MEASURES = ("cosine", "overlap")
_COMPARED = f"""
SELECT
    {AT} AS at,
    concat(attributes['vitrine.encoder.name'], ' ', attributes['vitrine.encoder.version']) AS encoder,
    {", ".join(f"avg(toFloat64OrNull(attributes['vitrine.student.{each}'])) AS {each}" for each in MEASURES)}
FROM vitrine.spans
WHERE name = 'compare student encoder' AND {WITHIN}
GROUP BY at, encoder ORDER BY at
"""  # noqa: E501


def student(window: Window) -> Mapping[str, Sequence[Line]]:
    """By measure, a line for each encoder."""
    rows = window.rows(_COMPARED)
    return {each: window.lines(rows, itemgetter("encoder"), itemgetter(each)) for each in MEASURES}
