"""A MeterProvider whose counters and histograms are cheaper to record, with the SDK's contract.

The first measurement of an attribute set is recorded by the SDK, through its views, to one
aggregation for each stream. These aggregations are cached, so that each further measurement of the
same attribute set needs one lookup and a few additions. Collection is the SDK's own: temporality,
exemplars, start times and the order of metrics do not change.

It writes to private fields of the SDK's aggregations (`_value`, `_sum`, `_min`, `_max`), which have
no public interface: `make test-upstream` and tests/quick_otel check them with every version.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from time import time_ns
from typing import Any, Final

from opentelemetry.context import Context, get_current
from opentelemetry.metrics import Counter, Histogram, Meter, UpDownCounter
from opentelemetry.sdk import metrics as sdk
from opentelemetry.sdk.metrics import (
    AlwaysOffExemplarFilter,
    ExemplarFilter,
    TraceBasedExemplarFilter,
)
from opentelemetry.sdk.metrics._internal._view_instrument_match import _hash_attributes
from opentelemetry.sdk.metrics._internal.aggregation import (
    _DropAggregation,
    _ExplicitBucketHistogramAggregation,
    _SumAggregation,
)
from opentelemetry.trace import TraceFlags
from opentelemetry.util.types import Attributes

from .attributes import PLAIN
from .current import current_span
from .exemplars import deferred

INFINITE: Final = float("inf")
MAX_CACHED: Final = 4096
"""Attribute sets whose aggregations one instrument caches."""
HASHABLE: Final = PLAIN | {str}
Key = tuple[Any, ...]


class Total:
    """One stream and attribute set of a counter."""

    __slots__ = ("_aggregation",)

    def __init__(self, aggregation: _SumAggregation) -> None:
        aggregation._reservoir = deferred(aggregation._reservoir)
        self._aggregation = aggregation

    def take(self, amount: float) -> Any:
        """Add a measurement. Returns the SDK's aggregation."""
        held: Any = self._aggregation
        with held._lock:
            held._value = (held._value or 0) + amount
        return held


class Buckets:
    """One stream and attribute set of a histogram with explicit bounds."""

    __slots__ = ("_aggregation", "_bounds")

    def __init__(self, aggregation: _ExplicitBucketHistogramAggregation) -> None:
        aggregation._reservoir = deferred(aggregation._reservoir)
        self._aggregation, self._bounds = aggregation, aggregation._boundaries

    def take(self, amount: float) -> Any:
        """Add a measurement. Returns the SDK's aggregation."""
        held: Any = self._aggregation
        place = bisect_left(self._bounds, amount)
        with held._lock:
            if held._value is None:
                held._value = held._get_empty_bucket_counts()
            held._value[place] += 1
            held._sum += amount
            if held._record_min_max:
                held._min = min(held._min, amount)
                held._max = max(held._max, amount)
        return held


Series = tuple[Total | Buckets, ...]


class QuickInstrument:
    """Common part of counters and histograms: the cache of attribute sets.

    The SDK's storages refer to the wrapped instrument, not to this one.
    """

    _least: float
    _measurement_consumer: Any
    _meter_config: Any

    def __init__(self, made: Any, slow: Callable[..., None]) -> None:
        """`slow` is the SDK's recording method."""
        vars(self).update(vars(made))
        self._made, self._slow = made, slow
        self._storages: object = None
        self._filter: ExemplarFilter
        self._series: dict[Key, tuple[Series | None, Attributes]] = {}

    def _measure(
        self, amount: float, attributes: Attributes = None, context: Context | None = None
    ) -> None:
        if self._storages is not self._measurement_consumer._reader_storages:
            self._forget()  # a reader was added or removed
        key: Key = ()
        try:
            if attributes is not None:
                values = attributes.values()
                key = (*attributes, *values, *map(type, values))  # True, 1 and 1.0 are equal
            series, clean = self._series[key]
        except (AttributeError, KeyError, TypeError):  # not a mapping, a new key, not hashable
            self._slow(amount, attributes, context)
            self._remember(key, attributes)
            return
        if (
            series is None
            or not self._least <= amount < INFINITE
            or not self._meter_config.is_enabled
        ):
            self._slow(amount, attributes, context)
        elif series:
            context = context or get_current()
            offered = self._is_exemplar(amount, clean, context)
            for each in series:
                aggregation = each.take(amount)
                if offered:
                    aggregation._reservoir.offer(amount, time_ns(), clean, context)

    def _is_exemplar(self, amount: float, attributes: Attributes, context: Context) -> bool:
        kind = type(self._filter)
        if kind is TraceBasedExemplarFilter:
            flags = current_span(context).get_span_context().trace_flags
            return bool(flags & TraceFlags.SAMPLED)
        if kind is AlwaysOffExemplarFilter:
            return False
        return self._filter.should_sample(amount, time_ns(), attributes, context)

    def _forget(self) -> None:
        consumer = self._measurement_consumer
        self._storages, self._series = consumer._reader_storages, {}
        self._filter = consumer._sdk_config.exemplar_filter

    def _remember(self, key: Key, attributes: Attributes) -> None:
        """Look up the aggregations that the SDK has just made for these attributes."""
        clean = dict(attributes) if isinstance(attributes, Mapping) else {}
        if (attributes is not None and not key and clean) or not _is_plain(clean):
            return
        if len(self._series) >= MAX_CACHED:
            self._series.clear()
        found = list(self._aggregations(clean))
        if None in found:
            return  # the SDK refused the measurement, so it made no aggregation
        series = tuple(_series(found)) if all(map(_is_known, found)) else None
        self._series[key] = series, clean

    def _aggregations(self, attributes: dict[str, Any]) -> Iterable[Any]:
        for storage in self._measurement_consumer._reader_storages.values():
            for match in storage._get_or_init_view_instrument_match(self._made):
                keys = match._view._attribute_keys
                kept = attributes
                if keys is not None:
                    kept = {key: value for key, value in attributes.items() if key in keys}
                yield match._attributes_aggregation.get(_hash_attributes(kept))


def _is_plain(attributes: Mapping[Any, Any]) -> bool:
    """Whether equal attributes of equal types are always the same series."""
    return all(
        isinstance(key, str) and key and type(value) in HASHABLE
        for key, value in attributes.items()
    )


def _is_known(aggregation: object) -> bool:
    known = (_SumAggregation, _ExplicitBucketHistogramAggregation, _DropAggregation)
    return type(aggregation) in known


def _series(aggregations: Sequence[Any]) -> Iterable[Total | Buckets]:
    for each in aggregations:
        if isinstance(each, _SumAggregation):
            yield Total(each)
        elif isinstance(each, _ExplicitBucketHistogramAggregation):
            yield Buckets(each)


class QuickCounter(QuickInstrument, sdk.Counter):
    """A counter that caches attribute sets."""

    _least = 0
    add = QuickInstrument._measure


class QuickUpDownCounter(QuickInstrument, sdk.UpDownCounter):
    """An up-down counter that caches attribute sets."""

    _least = -INFINITE
    add = QuickInstrument._measure


class QuickHistogram(QuickInstrument, sdk.Histogram):
    """A histogram that caches attribute sets."""

    _least = 0
    record = QuickInstrument._measure


class QuickMeter(sdk.Meter):
    """Makes quick counters and histograms; any other instrument is the SDK's."""

    def __init__(self, made: sdk.Meter) -> None:
        """Take over the state of the SDK's meter."""
        vars(self).update(vars(made))
        self._quick: dict[object, Any] = {}

    def create_counter(self, name: str, unit: str = "", description: str = "") -> Counter:
        made = super().create_counter(name, unit, description)
        return self._quick.setdefault(made, QuickCounter(made, made.add))  # type: ignore[no-any-return]

    def create_up_down_counter(
        self, name: str, unit: str = "", description: str = ""
    ) -> UpDownCounter:
        made = super().create_up_down_counter(name, unit, description)
        return self._quick.setdefault(made, QuickUpDownCounter(made, made.add))  # type: ignore[no-any-return]

    def create_histogram(
        self,
        name: str,
        unit: str = "",
        description: str = "",
        *,
        explicit_bucket_boundaries_advisory: Sequence[float] | None = None,
    ) -> Histogram:
        made = super().create_histogram(
            name, unit, description,
            explicit_bucket_boundaries_advisory=explicit_bucket_boundaries_advisory,
        )  # fmt: skip
        return self._quick.setdefault(made, QuickHistogram(made, made.record))  # type: ignore[no-any-return]


class MeterProvider(sdk.MeterProvider):
    """The SDK's provider with quick counters and histograms. Takes the same arguments."""

    def get_meter(
        self,
        name: str,
        version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes = None,
    ) -> Meter:
        made = super().get_meter(name, version, schema_url, attributes)
        if not isinstance(made, sdk.Meter) or isinstance(made, QuickMeter):
            return made
        scope = made._instrumentation_scope
        with self._meter_lock:  # the SDK caches meters, and reconfigures the cached ones
            kept = self._meters[scope]
            if not isinstance(kept, QuickMeter):
                kept = self._meters[scope] = QuickMeter(kept)
            return kept
