"""The metrics that are stored, and one of them over time, by an attribute."""

from collections.abc import Sequence
from typing import Any

from observatory.health.promql import quantile_of
from observatory.ui.charts import step_of, step_start
from observatory.ui.parameters import RANGE, SECOND, Parameters, Range
from observatory.ui.queries import LIST_VALUE_BYTES, Queries, Rows, cut
from observatory.ui.responses import Problem, invalid

KNOWN = RANGE
KNOWN_OF_SERIES = (*RANGE, "name", "by", "service", "show")
MAX_METRICS, MAX_GROUPS = 1000, 8
QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
SHOWS = ("rate", *QUANTILES)
CUMULATIVE = ("counter", "histogram")
KINDS = {
    "gauge": "'gauge'",
    "sum": "if(IsMonotonic, 'counter', 'updowncounter')",
    "histogram": "'histogram'",
    "exponential_histogram": "'exponential histogram'",
    "summary": "'summary'",
}
_WITHIN = (
    "TimeUnix >= fromUnixTimestamp64Nano({from:Int64}, 'UTC')"
    " AND TimeUnix < fromUnixTimestamp64Nano({to:Int64}, 'UTC')"
)
_TABLES = " UNION ALL ".join(
    f"SELECT MetricName, {kind} AS kind, MetricUnit, MetricDescription, ServiceName, Attributes,"
    f" ResourceAttributes, TimeUnix FROM otel.otel_metrics_{table} WHERE {_WITHIN}"
    for table, kind in KINDS.items()
)
_METRICS = f"""
SELECT MetricName AS name, kind, any(MetricUnit) AS unit,
    {cut("any(MetricDescription)")} AS description,
    arraySort(groupUniqArray(20)(ServiceName)) AS services,
    uniq(ServiceName, Attributes, ResourceAttributes['service.instance.id']) AS series,
    count() AS points, arraySort(groupUniqArrayArray(50)(mapKeys(Attributes))) AS attributes,
    toUnixTimestamp64Nano(max(TimeUnix)) AS newest
FROM ({_TABLES})
GROUP BY name, kind ORDER BY name, kind LIMIT {MAX_METRICS}
"""
_GROUP = """multiIf(
        {by:String} = '', '', {by:String} = 'service', service,
        {by:String} = 'instance', resource['service.instance.id'], attributes[{by:String}])"""
_OF_IT = """name = {name:String} AND ({service:String} = '' OR service = {service:String})
        AND time < fromUnixTimestamp64Nano({to:Int64}, 'UTC')"""
_STEP = "intDiv(toUnixTimestamp(toDateTime(time)), {step:UInt32}) * {step:UInt32}"
_INCREASES = f"""
WITH steps AS
(
    SELECT time, {_GROUP} AS group, {{le}} AS bound,
        lagInFrame(value) OVER (PARTITION BY series ORDER BY time) AS before,
        began < earlier AND time = min(time) OVER (PARTITION BY process) AS unknown,
        value - multiIf(unknown, value, value < before, 0, before) AS increase,
        fromUnixTimestamp64Nano({{from:Int64}} - 3600000000000, 'UTC') AS earlier
    FROM (SELECT *{{value}} FROM vitrine.{{view}})
    WHERE {_OF_IT} AND time >= earlier
)
SELECT {_STEP} AS at, group, toString(bound) AS le, sum(increase) AS value
FROM steps WHERE time >= fromUnixTimestamp64Nano({{from:Int64}}, 'UTC')
GROUP BY at, group, bound ORDER BY at
"""
_LEVELS = f"""
SELECT at, group, '' AS le, {{reduce}}(level) AS value
FROM
(
    SELECT {_STEP} AS at, {_GROUP} AS group, series, argMax(value, time) AS level
    FROM vitrine.metrics
    WHERE {_OF_IT} AND time >= fromUnixTimestamp64Nano({{from:Int64}}, 'UTC')
    GROUP BY at, group, series
)
GROUP BY at, group ORDER BY at
"""


def metrics(queries: Queries, parameters: Parameters) -> dict[str, Any]:
    """The metrics with points in the range: name, kind, unit, description, attributes …"""
    where = parameters.range(queries.clock(), queries.kept)
    values = {"from": where.start, "to": where.end, "cut": LIST_VALUE_BYTES}
    rows = queries.rows(_METRICS, values)
    return {"metrics": [{**row, "newest": str(row["newest"])} for row in rows]}


def series(queries: Queries, parameters: Parameters) -> dict[str, Any]:
    """One metric over time: a line for each value of the attribute `by`, at most MAX_GROUPS.

    Counters and histograms: per second; a histogram's `show=p95`: that quantile. Gauges: the mean
    of the series; up-down counters: their sum. `by` may be `service` and `instance`, too.

    Raises:
        Problem: 404, there is no such metric; 422, no name is given, or it has no quantiles.

    """
    name = parameters.text("name")
    if name is None:
        raise invalid("name", "is required; /api/metrics lists the names")
    show = parameters.one_of("show", SHOWS) or "rate"
    where = parameters.range(queries.clock(), queries.kept)
    step = step_of(where)
    where = Range(step_start(where.start, step) * SECOND, where.end)
    values = {
        "from": where.start, "to": where.end, "step": step, "name": name,
        "by": parameters.text("by") or "", "service": parameters.text("service") or "",
    }  # fmt: skip
    kind = _kind(queries, values)
    if show in QUANTILES and kind != "histogram":
        raise invalid("show", "only histograms have quantiles")
    rows = queries.rows(_sql(kind, show), values)
    times = list(range(where.start // SECOND, -(-where.end // SECOND), step))
    lines = _quantiles(rows, QUANTILES[show]) if show in QUANTILES else _plain(rows)
    if kind in CUMULATIVE and show == "rate":
        passed = {at: min(step, max(1, where.end / SECOND - at)) for at in times}
        lines = {
            group: {at: value / passed[at] for at, value in line.items()}
            for group, line in lines.items()
        }
    largest = sorted(lines, key=lambda group: (-sum(lines[group].values()), group))
    return {
        "kind": kind,
        "step": step,
        "times": times,
        "lines": [
            {"group": group, "values": [lines[group].get(at) for at in times]}
            for group in largest[:MAX_GROUPS]
        ],
        "groups": len(lines),
    }


def _kind(queries: Queries, values: dict[str, Any]) -> str:
    found = queries.rows(
        f"SELECT DISTINCT kind FROM ({_TABLES}) WHERE MetricName = {{name:String}} LIMIT 1", values
    )
    if not found:
        detail = "No points of it in this range; /api/metrics lists the names."
        raise Problem(404, "not-found", "No such metric", detail)
    kind: str = found[0]["kind"]
    if kind not in (*CUMULATIVE, "gauge", "updowncounter"):
        raise invalid("name", f"is {kind}, which can't be drawn; query it on the page /sql")
    return kind


def _sql(kind: str, show: str) -> str:
    if kind not in CUMULATIVE:
        return _LEVELS.replace("{reduce}", "avg" if kind == "gauge" else "sum")
    of_buckets = show in QUANTILES
    parts = {
        "{view}": "buckets" if of_buckets else "metrics",
        "{value}": ", toFloat64(count) AS value" if of_buckets else "",
        "{le}": "le" if of_buckets else "0",
    }
    sql = _INCREASES
    for name, part in parts.items():
        sql = sql.replace(name, part)
    return sql


def _plain(rows: Rows) -> dict[str, dict[int, float]]:
    lines: dict[str, dict[int, float]] = {}
    for row in rows:
        lines.setdefault(row["group"], {})[row["at"]] = row["value"]
    return lines


def _quantiles(rows: Rows, quantile: float) -> dict[str, dict[int, float]]:
    histograms: dict[tuple[str, int], list[tuple[float, float]]] = {}
    for row in rows:
        buckets = histograms.setdefault((row["group"], row["at"]), [])
        buckets.append((float(row["le"]), row["value"]))
    lines: dict[str, dict[int, float]] = {}
    for (group, at), buckets in histograms.items():
        if _total(buckets):
            lines.setdefault(group, {})[at] = quantile_of(quantile, sorted(buckets))
    return lines


def _total(buckets: Sequence[tuple[float, float]]) -> float:
    return max(count for _, count in buckets)
