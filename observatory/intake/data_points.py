"""Columns and row values that are specific to each kind of data point.

Each function takes the metric's data (a Gauge, a Sum, …) and a point, and returns the values of the
columns in the constant that its docstring names.
"""

from typing import Any

from observatory.intake.attribute_values import pairs, span_id, trace_id
from observatory.intake.row_blocks import Row
from observatory.store.native_format import (
    MAX_TIMESTAMP,
    array_of,
    attributes,
    number,
    string,
    timestamp,
)

_EXEMPLARS = (
    array_of(attributes("Exemplars.FilteredAttributes")),
    array_of(timestamp("Exemplars.TimeUnix")),
    array_of(number("Exemplars.Value", "Float64")),
    array_of(string("Exemplars.SpanId")),
    array_of(string("Exemplars.TraceId")),
)
_NO_EXEMPLARS: Row = ((), (), (), (), ())
_FLAGS = number("Flags", "UInt32")
_TEMPORALITY = number("AggregationTemporality", "Int32")
_COUNT_AND_SUM = (number("Count", "UInt64"), number("Sum", "Float64"))
_EXTREMES = (_FLAGS, number("Min", "Float64"), number("Max", "Float64"), _TEMPORALITY)

GAUGE = (number("Value", "Float64"), _FLAGS, *_EXEMPLARS)
SUM = (*GAUGE, _TEMPORALITY, number("IsMonotonic", "UInt8"))
HISTOGRAM = (
    *_COUNT_AND_SUM,
    array_of(number("BucketCounts", "UInt64")),
    array_of(number("ExplicitBounds", "Float64")),
    *_EXEMPLARS,
    *_EXTREMES,
)
EXPONENTIAL = (
    *_COUNT_AND_SUM,
    number("Scale", "Int32"),
    number("ZeroCount", "UInt64"),
    number("PositiveOffset", "Int32"),
    array_of(number("PositiveBucketCounts", "UInt64")),
    number("NegativeOffset", "Int32"),
    array_of(number("NegativeBucketCounts", "UInt64")),
    *_EXEMPLARS,
    *_EXTREMES,
)
SUMMARY = (
    *_COUNT_AND_SUM,
    array_of(number("ValueAtQuantiles.Quantile", "Float64")),
    array_of(number("ValueAtQuantiles.Value", "Float64")),
    _FLAGS,
)


def gauge(_: Any, point: Any) -> Row:
    """Values of GAUGE."""
    return (_value(point), point.flags, *_exemplars(point))


def total(data: Any, point: Any) -> Row:
    """Values of SUM."""
    return (*gauge(data, point), data.aggregation_temporality, int(data.is_monotonic))


def histogram(data: Any, point: Any) -> Row:
    """Values of HISTOGRAM."""
    return (
        point.count,
        point.sum,
        point.bucket_counts,
        point.explicit_bounds,
        *_exemplars(point),
        *_extremes(data, point),
    )


def exponential(data: Any, point: Any) -> Row:
    """Values of EXPONENTIAL."""
    return (
        point.count,
        point.sum,
        point.scale,
        point.zero_count,
        point.positive.offset,
        point.positive.bucket_counts,
        point.negative.offset,
        point.negative.bucket_counts,
        *_exemplars(point),
        *_extremes(data, point),
    )


def summary(_: Any, point: Any) -> Row:
    """Values of SUMMARY."""
    at = point.quantile_values
    return (
        point.count,
        point.sum,
        [each.quantile for each in at],
        [each.value for each in at],
        point.flags,
    )


def _extremes(data: Any, point: Any) -> Row:
    return (point.flags, point.min, point.max, data.aggregation_temporality)


def _value(each: Any) -> float:
    kind = each.WhichOneof("value")
    return float(getattr(each, kind)) if kind else 0.0


def _exemplars(point: Any) -> Row:
    if not point.exemplars:
        return _NO_EXEMPLARS
    rows = [
        (
            pairs(each.filtered_attributes),
            each.time_unix_nano & MAX_TIMESTAMP,
            _value(each),
            span_id(each.span_id),
            trace_id(each.trace_id),
        )
        for each in point.exemplars
    ]
    return tuple(zip(*rows, strict=True))
