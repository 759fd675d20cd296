"""A latency heat map: requests by time and duration.

A request is a span that enters a service, as in `charts`. Durations are in four buckets for each
doubling, so that a bucket is 19 % wider than the one below it.
"""

from math import ceil, floor
from typing import Any

from observatory.ui.charts import REQUEST, STEPS, step_start
from observatory.ui.filters import FAILED, FILTERS, Filter, around, within
from observatory.ui.parameters import MILLISECOND, RANGE, SECOND, Parameters, Range
from observatory.ui.queries import Queries

KNOWN = (*RANGE, *FILTERS)
COLUMNS, MAX_ROWS = 60, 40
PER_DOUBLING = 4
_CELLS = f"""
SELECT intDiv(toUnixTimestamp(toDateTime(Timestamp)), {{step:UInt32}}) * {{step:UInt32}} AS time,
    toInt32(floor(log2(greatest(Duration, 1)) * {PER_DOUBLING})) AS level,
    uniqExact(TraceId, SpanId) AS requests, uniqExactIf(TraceId, SpanId, {FAILED}) AS errors
FROM otel.otel_traces WHERE {REQUEST} AND {within("from", "to")} AND {{where}}
GROUP BY time, level ORDER BY time, level
"""


def heat_map(queries: Queries, parameters: Parameters) -> dict[str, Any]:
    """Columns of time, rows of duration, and the cells that have requests.

    A cell is [column, row, requests, errors]; row r has durations from `bounds[r]` to
    `bounds[r + 1]` (milliseconds). Rows at the ends may have all shorter, or longer, ones.
    """
    where = parameters.range(queries.clock(), queries.kept)
    step = _step(where)
    start = step_start(where.start, step)
    condition = Filter.of(parameters).on_request()
    values = {**around(where), "step": step, **condition.values}
    cells = queries.rows(_CELLS.replace("{where}", condition.sql), values)
    lowest = min((cell["level"] for cell in cells), default=0)
    highest = max((cell["level"] for cell in cells), default=0)
    wide = max(1, ceil((highest - lowest + 1) / MAX_ROWS))
    merged: dict[tuple[int, int], list[int]] = {}
    for cell in cells:
        place = ((cell["time"] - start) // step, (cell["level"] - lowest) // wide)
        counts = merged.setdefault(place, [0, 0])
        counts[0] += cell["requests"]
        counts[1] += cell["errors"]
    rows = (highest - lowest) // wide + 1
    levels = [lowest + row * wide for row in range(rows + 1)]
    return {
        "from": where.start // MILLISECOND,
        "to": where.end // MILLISECOND,
        "step": step,
        "times": list(range(start, -step_start(-where.end, step), step)),
        "bounds": [_bound(level) for level in levels] if cells else [],
        "cells": [[*place, *counts] for place, counts in sorted(merged.items())],
    }


def _bound(level: int) -> float:
    """The lower bound of a level in milliseconds, with four digits."""
    return float(f"{2 ** (level / PER_DOUBLING) / MILLISECOND:.4g}")


def _step(where: Range) -> int:
    wanted = (where.end - where.start) / SECOND / COLUMNS
    return next((step for step in STEPS if step >= wanted), max(STEPS[-1], floor(wanted) + 1))
