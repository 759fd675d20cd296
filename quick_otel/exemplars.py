"""The SDK's two exemplar reservoirs; offered measurements are processed only at collection."""

from bisect import bisect_left
from random import random
from typing import Any

from opentelemetry.context import Context
from opentelemetry.sdk.metrics import (
    AlignedHistogramBucketExemplarReservoir,
    Exemplar,
    ExemplarReservoir,
    SimpleFixedSizeExemplarReservoir,
)
from opentelemetry.util.types import Attributes

Offered = tuple[float, int, Attributes, Context]
"""A measurement: value, nanoseconds since 1970, attributes, context."""


class LastOfBucket(AlignedHistogramBucketExemplarReservoir):
    """Keeps the last measurement of each bucket."""

    def __init__(self, made: AlignedHistogramBucketExemplarReservoir) -> None:
        """Take over the state of the SDK's reservoir."""
        vars(self).update(vars(made))
        self._offered: dict[int, Offered] = {}

    def offer(
        self, value: float, time_unix_nano: int, attributes: Attributes, context: Context
    ) -> None:
        place = bisect_left(self._boundaries, value)
        self._offered[place] = value, time_unix_nano, attributes, context

    def collect(self, point_attributes: Attributes) -> list[Exemplar]:
        offered, self._offered = self._offered, {}
        _put(self, offered)
        return super().collect(point_attributes)


class FixedSizeSample(SimpleFixedSizeExemplarReservoir):
    """Keeps a uniform sample of the measurements since the last collection."""

    def __init__(self, made: SimpleFixedSizeExemplarReservoir) -> None:
        """Take over the state of the SDK's reservoir."""
        vars(self).update(vars(made))
        self._offered: dict[int, Offered] = {}

    def offer(
        self, value: float, time_unix_nano: int, attributes: Attributes, context: Context
    ) -> None:
        seen = self._measurements_seen = self._measurements_seen + 1
        place = seen - 1 if seen <= self._size else int(random() * seen)  # noqa: S311 - a sample
        if place < self._size:
            self._offered[place] = value, time_unix_nano, attributes, context

    def collect(self, point_attributes: Attributes) -> list[Exemplar]:
        offered, self._offered = self._offered, {}
        _put(self, offered)
        return super().collect(point_attributes)


def _put(reservoir: Any, offered: dict[int, Offered]) -> None:
    """Fill the SDK's buckets, each a new one: a used one keeps the ids of an earlier span."""
    with reservoir._lock:
        for place, each in list(offered.items()):  # a copy: another thread may still be adding
            reservoir._reservoir_storage.pop(place, None)
            reservoir._reservoir_storage[place].offer(*each)


def deferred(made: ExemplarReservoir) -> ExemplarReservoir:
    """The quick form of one of the SDK's reservoirs; any other reservoir unchanged."""
    if type(made) is AlignedHistogramBucketExemplarReservoir:
        return LastOfBucket(made)
    if type(made) is SimpleFixedSizeExemplarReservoir:
        return FixedSizeSample(made)
    return made
