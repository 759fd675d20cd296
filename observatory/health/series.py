"""Reads the windows of series that PromQL queries demand, by SQL over the views.

The points of a series are reduced in the store to one row for each slot between two boundaries of
demanded windows, so that a query over days returns a few rows. Metrics have OpenTelemetry's names;
`x.count`, `x.sum` and `x.bucket` are the parts of the histogram `x`, as in SigNoz.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from observatory.health.promql import NAME, Demand, Labels, Selector, Unsupported, Window

BEFORE = 3600.0
"""Seconds before the first window in which the value at its start is searched."""
INSTANCE = "service.instance.id"
METRICS, BUCKETS, SUMS = "metrics", "buckets", "sums"
VIEWS = {"bucket": BUCKETS, "sum": SUMS}
"""Views of parts of histograms, by the ends of their names; all else is in METRICS."""
_ROWS = """
SELECT
    arrayJoin(arrayFilter((number, asked) -> asked, {numbers}, [{conditions}])) AS metric,
    service, name, {le} AS bucket, attributes, resource['service.instance.id'] AS instance, series,
    any(process) AS process, toFloat64(any(began)) AS began,
    multiIf({slots}) AS slot,
    argMax({value}, time) AS last, argMin({value}, time) AS first,
    min({value}) AS least, max({value}) AS most,
    toUnixTimestamp64Milli(min(time)) / 1000 AS oldest,
    toUnixTimestamp64Milli(max(time)) / 1000 AS newest
FROM vitrine.{view}
WHERE {where}
GROUP BY metric, service, name, bucket, attributes, instance, series, slot
ORDER BY metric, series, slot
"""
_MILLISECONDS = "toUnixTimestamp64Milli(time)"


class Reader(Protocol):
    """Runs statements on the store."""

    def rows(
        self, sql: str, values: Mapping[str, Any] | None = None
    ) -> Sequence[Mapping[str, Any]]:
        """The rows of a statement with its parameters."""


class Metric(NamedTuple):
    """What one statement reads: a metric, or all that match a pattern."""

    name: str
    is_pattern: bool
    view: str
    """Of VIEWS."""
    le: str
    """Only the bucket with this upper bound, if not empty."""

    @classmethod
    def of(cls, selector: Selector) -> "Metric":
        """The metric that a selector selects from.

        Raises:
            Unsupported: it names none.

        """
        named = [(sign, value) for sign, label, value in selector.matchers if label == NAME]
        if len(named) != 1 or named[0][0] not in ("=", "=~"):
            raise Unsupported("a selector must name a metric, or a pattern of names")
        [(sign, name)] = named
        view = VIEWS.get(name.rpartition(".")[2], METRICS) if sign == "=" else METRICS
        bounds = [text for at, label, text in selector.matchers if (at, label) == ("=", "le")]
        return cls(name, sign == "=~", view, bounds[0] if view == BUCKETS and bounds else "")

    def condition(self, number: int) -> tuple[str, dict[str, str]]:
        """SQL, and its parameters, whose names end with the number."""
        name, base = f"{{name{number}:String}}", f"{{base{number}:String}}"
        values = {f"name{number}": self.name, f"base{number}": self.name.rpartition(".")[0]}
        if self.is_pattern:  # of Prometheus's names
            values[f"name{number}"] = f"^(?:{self.name})$"
            return f"match(replaceAll(name, '.', '_'), {name})", values
        if self.view != METRICS:
            bound = {f"le{number}": self.le} if self.le else {}
            test = f" AND le = {{le{number}:Float64}}" if self.le else ""
            return f"name = {base}{test}", values | bound
        if self.name.endswith(".count"):
            return f"(name = {name} OR (name = {base} AND kind = 'histogram'))", values
        return f"name = {name}", values


@dataclass(frozen=True, slots=True)
class Series:
    """One series; its slots in order, those without points left out. Times in seconds."""

    labels: Mapping[str, str]
    is_older: bool
    """It began before what was read: its first value was counted earlier."""
    slots: Sequence[int]
    """Numbers of the boundaries at which they start."""
    rows: Sequence[Mapping[str, Any]]

    def window(self, start: int, end: int) -> Window | None:
        """Between two boundaries, by number."""
        first, last = bisect_left(self.slots, start), bisect_left(self.slots, end)
        rows = self.rows[first:last]
        if not rows:
            return None
        earlier = self.rows[first - 1]["last"] if first else rows[0]["first"] * self.is_older
        return Window(
            last=rows[-1]["last"],
            time=rows[-1]["newest"],
            least=min(each["least"] for each in rows),
            most=max(each["most"] for each in rows),
            increase=max(0.0, rows[-1]["last"] - earlier),
        )


@dataclass(frozen=True, slots=True)
class Stored:
    """The series that were demanded; a `Source`."""

    bounds: Mapping[Metric, Mapping[float, int]]
    """The number of each boundary."""
    series: Mapping[Metric, Sequence[Series]]

    def window(self, selector: Selector, start: float, end: float) -> Mapping[Labels, Window]:
        """The series with points in the window; those with equal labels are one."""
        metric = Metric.of(selector)
        numbers = self.bounds[metric]
        found: dict[Labels, Window] = {}
        for each in self.series[metric]:
            if selector.accepts(each.labels):
                window = each.window(numbers[start], numbers[end])
                if window is not None:
                    labels = frozenset(each.labels.items())
                    found[labels] = _joined(found.get(labels), window)
        return found

    def oldest(self, selector: Selector) -> float | None:
        """Time of the first point of the selector's series, in seconds."""
        times = [
            each.rows[0]["oldest"]
            for each in self.series[Metric.of(selector)]
            if selector.accepts(each.labels)
        ]
        return min(times, default=None)


def load(queries: Reader, demand: Demand, since: float = 0) -> Stored:
    """Read what is demanded; nothing from before `since`, in seconds since 1970.

    Raises:
        Unsupported: a selector names no metric.
        Problem: a query failed.

    """
    windows: dict[Metric, set[float]] = {}
    for selector, ends in demand.windows.items():
        windows.setdefault(Metric.of(selector), set()).update(
            each for pair in ends for each in pair
        )
    bounds = {metric: sorted(times) for metric, times in windows.items()}
    series: dict[Metric, list[Series]] = {metric: [] for metric in bounds}
    for view in (METRICS, *VIEWS.values()):
        metrics = [metric for metric in bounds if metric.view == view]
        if metrics:
            wanted = [(metric, bounds[metric]) for metric in metrics]
            series |= _series(queries, wanted, view, since)
    return Stored(
        {metric: {time: at for at, time in enumerate(times)} for metric, times in bounds.items()},
        series,
    )


def _series(
    queries: Reader,
    wanted: Sequence[tuple[Metric, Sequence[float]]],
    view: str,
    since: float,
) -> dict[Metric, list[Series]]:
    """`wanted`: metrics with their boundaries, in seconds since 1970, in order."""
    slots = [_slots(bounds, since) for _, bounds in wanted]
    rows = queries.rows(*_statement([metric for metric, _ in wanted], slots, view))
    first_of: dict[tuple[int, int], float] = {}
    grouped: dict[tuple[int, int, str], list[Mapping[str, Any]]] = {}
    for row in rows:
        process = (row["metric"], row["process"])
        first_of[process] = min(row["oldest"], first_of.get(process, row["oldest"]))
        grouped.setdefault((row["metric"], row["series"], row["bucket"]), []).append(row)
    found: dict[Metric, list[Series]] = {metric: [] for metric, _ in wanted}
    for (number, _, _), own in grouped.items():
        metric, starts, first = wanted[number][0], slots[number], own[0]
        is_first = first["oldest"] == first_of[number, first["process"]]
        is_older = is_first and first["began"] * 1000 < starts[0]
        places = {start: at for at, start in enumerate(starts[1:])}
        numbers = [places.get(row["slot"], -1) for row in own]
        found[metric].append(Series(_labels(metric, first), is_older, numbers, own))
    return found


def _slots(bounds: Sequence[float], since: float) -> list[int]:
    """Starts of the slots in milliseconds; the first is that of what is read."""
    before = round(1000 * max(bounds[0] - BEFORE, since))
    # Windows exclude their start.
    return [before, *(max(before, round(1000 * time) + 1) for time in bounds)]


def _statement(
    metrics: Sequence[Metric], slots: Sequence[Sequence[int]], view: str
) -> tuple[str, dict[str, str]]:
    conditions, values = [], dict[str, str]()
    for number, metric in enumerate(metrics):
        condition, more = metric.condition(number)
        since = f"fromUnixTimestamp64Milli({slots[number][0]}, 'UTC')"
        conditions.append(f"({condition} AND time >= {since})")
        values |= more
    rounded = [
        f"metric = {number}, roundDown({_MILLISECONDS}, {list(starts)})"
        for number, starts in enumerate(slots)
    ]
    sql = _ROWS.format(
        view=view,
        value="toFloat64(count)" if view == BUCKETS else "value",
        le="toString(le)" if view == BUCKETS else "''",
        numbers=list(range(len(metrics))),
        conditions=", ".join(conditions),
        slots=", ".join([*rounded, "0"]),
        where=" OR ".join(conditions),
    )
    return sql, values


def _labels(metric: Metric, row: Mapping[str, Any]) -> dict[str, str]:
    name = row["name"].replace(".", "_") if metric.is_pattern else metric.name
    le = {"le": row["bucket"]} if metric.view == BUCKETS else {}
    labels = {NAME: name, "service.name": row["service"], INSTANCE: row["instance"], **le}
    return labels | {key: value for key, value in row["attributes"].items() if value}


def _joined(one: Window | None, other: Window) -> Window:
    if one is None:
        return other
    newest = max(one, other, key=lambda each: each.time)
    return Window(
        last=newest.last,
        time=newest.time,
        least=min(one.least, other.least),
        most=max(one.most, other.most),
        increase=one.increase + other.increase,
    )
