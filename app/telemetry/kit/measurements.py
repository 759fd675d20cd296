"""Records declared metrics with the API; instruments are created at their first use."""

from collections.abc import Callable, Mapping
from typing import Any

from opentelemetry.metrics import CallbackT, Meter

from .facts import Measurement
from .vocabulary import Metric

Record = Callable[[float, Mapping[str, Any]], None]


class Instruments:
    """The instruments of a service."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._made: dict[Metric, Record] = {}

    def record(self, metric: Metric, value: float, attributes: Mapping[str, Any]) -> None:
        """Record a value within the current span, which becomes its exemplar.

        Attributes that are None are omitted; negative, infinite and NaN values are ignored.
        """
        if not 0 <= value < float("inf"):
            return
        present = {str(name): each for name, each in attributes.items() if each is not None}
        (self._made.get(metric) or self._make(metric))(value, present)

    def record_all(self, measurements: tuple[Measurement, ...]) -> None:
        """Record the measurements of facts."""
        for each in measurements:
            self.record(each.metric, each.value, each.attributes)

    def observe(self, metric: Metric, callback: CallbackT) -> None:
        """Register a callback, called for each export of metrics."""
        create = (
            self._meter.create_observable_gauge
            if metric.instrument == "gauge"
            else self._meter.create_observable_counter
        )
        create(metric, [callback], metric.unit, metric.meaning)

    def _make(self, metric: Metric) -> Record:
        if metric.instrument == "histogram":
            record: Record = self._meter.create_histogram(
                metric,
                metric.unit,
                metric.meaning,
                explicit_bucket_boundaries_advisory=list(metric.bounds),
            ).record
        else:
            record = self._meter.create_counter(metric, metric.unit, metric.meaning).add
        self._made[metric] = record
        return record
