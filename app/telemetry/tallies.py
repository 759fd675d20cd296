"""Histograms and counters that are cheap to record: a fifth of what the SDK's cost.

A measurement is one lookup and a few additions under a lock; nothing is allocated. When metrics are
sent, the SDK's data points are made of them, cumulative, with the last sampled measurement of each
bucket as its exemplar, and go out with all others. Attribute sets are bounded: what is beyond
MOST_SERIES is counted together under `otel.metric.overflow`, as the specification has it.
"""

import threading
import time
from bisect import bisect_left
from collections.abc import Callable
from typing import Any

from opentelemetry.sdk.metrics import Exemplar
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricExporter,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext

from app import __version__
from app.telemetry import naming
from app.telemetry import vocabulary as v

MOST_SERIES, INFINITE = 200, float("inf")
Key = tuple[Any, ...]
OVERFLOW: Key = ("otel.metric.overflow",)
Seen = tuple[float, int, SpanContext]
"""A measurement to point at: value, nanoseconds since 1970, and where it was made."""


class Tally:
    """One metric: a histogram where it has bounds, else a counter."""

    def __init__(self, name: naming.Metric, clock: Callable[[], int] = time.time_ns) -> None:
        self._name, self._bounds, self._clock = name, name.bounds, clock
        self._lock = threading.Lock()
        self._series: dict[Key, _Series] = {}
        self._started = clock()

    def add(self, value: float, values: Key = (), at: SpanContext | None = None) -> None:
        """Record a measurement made in the span `at`.

        `values` are those of the metric's attributes, in their order; None: it has none.
        """
        if not 0 <= value < INFINITE:
            return  # no amount
        series = self._series.get(values)
        if series is None:
            series = self._begun(values)
        place = bisect_left(self._bounds, value)
        with self._lock:
            series.counts[place] += 1
            series.total += value
            series.least = min(series.least, value)
            series.most = max(series.most, value)
            if at is not None and at.trace_flags.sampled:
                series.exemplars[place] = value, self._clock(), at

    def _begun(self, values: Key) -> "_Series":
        with self._lock:
            if values not in self._series and len(self._series) >= MOST_SERIES:
                values = OVERFLOW
            return self._series.setdefault(values, _Series(len(self._bounds) + 1))

    def metric(self) -> Metric | None:
        """As it stands now; None while nothing was recorded."""
        with self._lock:
            now = self._clock()
            points = [self._point(*each, now) for each in self._series.items()]
        if not points:
            return None
        temporality = AggregationTemporality.CUMULATIVE
        data: Any = (
            Histogram(points, temporality) if self._bounds else Sum(points, temporality, True)
        )
        return Metric(str(self._name), self._name.meaning, self._name.unit, data)

    def _point(self, values: Key, series: "_Series", now: int) -> Any:
        attributes = self._attributes(values)
        exemplars = [
            Exemplar({}, value, moment, at.span_id, at.trace_id)
            for value, moment, at in series.exemplars.values()
        ]
        series.exemplars = {}
        if not self._bounds:
            return NumberDataPoint(attributes, self._started, now, series.total, exemplars)
        return HistogramDataPoint(
            attributes=attributes,
            start_time_unix_nano=self._started,
            time_unix_nano=now,
            count=sum(series.counts),
            sum=series.total,
            bucket_counts=list(series.counts),
            explicit_bounds=self._bounds,
            min=series.least,
            max=series.most,
            exemplars=exemplars,
        )

    def _attributes(self, values: Key) -> dict[str, Any]:
        if values is OVERFLOW:
            return {OVERFLOW[0]: True}
        named = zip(self._name.attributes, values, strict=True)
        return {str(name): value for name, value in named if value is not None}


class _Series:
    """The measurements of one attribute set."""

    __slots__ = ("counts", "exemplars", "least", "most", "total")

    def __init__(self, buckets: int) -> None:
        self.counts = [0] * buckets
        self.exemplars: dict[int, Seen] = {}
        self.total: float = 0
        self.least, self.most = float("inf"), float("-inf")


class Tallies:
    """Every tally there is, by the metric's name."""

    def __init__(self, resource: Resource, clock: Callable[[], int] = time.time_ns) -> None:
        self._resource, self._clock = resource, clock
        self._made: dict[str, Tally] = {}

    def __call__(self, name: naming.Metric) -> Tally:
        """The tally of a metric."""
        return self._made.setdefault(name, Tally(name, self._clock))

    def sent_with(self, exporter: MetricExporter) -> MetricExporter:
        """The same exporter; the tallies go out with whatever it exports."""
        export: Callable[..., Any] = exporter.export

        def more(data: MetricsData, *args: Any, **options: Any) -> Any:
            return export(self._joined(data), *args, **options)

        exporter.export = more  # type: ignore[method-assign, assignment]
        return exporter

    def _joined(self, data: MetricsData) -> MetricsData:
        """With the tallies under the resource and scope there are: each can stand only once."""
        found = [made for made in (each.metric() for each in self._made.values()) if made]
        theirs = [each for part in data.resource_metrics for each in part.scope_metrics]
        found += [made for each in theirs if each.scope.name == v.SCOPE for made in each.metrics]
        ours = ScopeMetrics(InstrumentationScope(v.SCOPE, __version__), found, "")
        scopes = [each for each in theirs if each.scope.name != v.SCOPE]
        about = ResourceMetrics(self._resource, [*scopes, ours], self._resource.schema_url)
        return MetricsData([about])
