"""Data points in the columns of the otel_metrics tables, as the exporter has them."""

from time import time_ns
from typing import Any

import pytest
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.metrics.v1 import metrics_pb2
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    Exemplar,
    ExponentialHistogramDataPoint,
    HistogramDataPoint,
    Metric,
    NumberDataPoint,
    SummaryDataPoint,
)

from tests.cases import cases
from tests.observatory.messages import attributes, fresh, request
from tests.observatory.observatory_process import Observatory
from tests.observatory.otlp_client import WAYS, http

TRACE, OWN = bytes(range(16)), bytes(range(8))
DELTA = metrics_pb2.AGGREGATION_TEMPORALITY_DELTA
CUMULATIVE = metrics_pb2.AGGREGATION_TEMPORALITY_CUMULATIVE
Buckets = ExponentialHistogramDataPoint.Buckets
Quantile = SummaryDataPoint.ValueAtQuantile
KINDS = ("gauge", "sum", "histogram", "exponential_histogram", "summary")


def exemplars(now: int) -> list[Exemplar]:
    full = Exemplar(
        filtered_attributes=attributes({"user": 7}),
        time_unix_nano=now,
        as_double=0.5,
        span_id=OWN,
        trace_id=TRACE,
    )
    return [full, Exemplar(time_unix_nano=now + 1, as_int=3)]


EXEMPLARS = {
    "Exemplars.FilteredAttributes": [{"user": "7"}, {}],
    "Exemplars.Value": [0.5, 3],
    # The exporter writes zeros where an exemplar has no ids.
    "Exemplars.SpanId": [OWN.hex(), ""],
    "Exemplars.TraceId": [TRACE.hex(), ""],
}
FLAGS = {"Flags": 2}
USUAL = {**FLAGS, **EXEMPLARS}


def sent_points(now: int) -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    """A metric's data for each kind, and its row as far as it is the kind's own."""
    times: dict[str, Any] = {
        "start_time_unix_nano": now - 10**9,
        "time_unix_nano": now,
        "attributes": attributes({"stage": "rank"}),
        "flags": 2,
    }
    more: dict[str, Any] = {**times, "exemplars": exemplars(now)}
    number = NumberDataPoint(as_double=2.5, **more)
    total = {"aggregation_temporality": CUMULATIVE, "is_monotonic": True}
    quantiles = [Quantile(quantile=0, value=1), Quantile(quantile=0.99, value=9.5)]
    summary = SummaryDataPoint(count=5, sum=10, quantile_values=quantiles, **times)
    return {
        "gauge": ({"data_points": [number]}, {"Value": 2.5, **USUAL}),
        "sum": (
            {"data_points": [number], **total},
            {"Value": 2.5, "AggregationTemporality": 2, "IsMonotonic": True, **USUAL},
        ),
        "histogram": sent_histogram(more),
        "exponential_histogram": sent_exponential(more),
        "summary": (
            {"data_points": [summary]},
            {
                "Count": 5, "Sum": 10, "ValueAtQuantiles.Quantile": [0, 0.99],
                "ValueAtQuantiles.Value": [1, 9.5], **FLAGS,
            },
        ),
    }  # fmt: skip


def sent_histogram(more: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    point = HistogramDataPoint(
        count=6, sum=7.5, bucket_counts=[1, 2, 3], explicit_bounds=[0.1, 1], min=0.01, max=3, **more
    )
    return {"data_points": [point], "aggregation_temporality": DELTA}, {
        "Count": 6, "Sum": 7.5, "BucketCounts": [1, 2, 3], "ExplicitBounds": [0.1, 1],
        "Min": 0.01, "Max": 3, "AggregationTemporality": 1, **USUAL,
    }  # fmt: skip


def sent_exponential(more: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    point = ExponentialHistogramDataPoint(
        count=2**63, sum=-1, scale=-3, zero_count=4, min=-2, max=2, zero_threshold=1e-9,
        positive=Buckets(offset=-7, bucket_counts=[1, 0, 2**40]),
        negative=Buckets(offset=5, bucket_counts=[9]), **more,
    )  # fmt: skip
    return {"data_points": [point], "aggregation_temporality": CUMULATIVE}, {
        "Count": 2**63, "Sum": -1, "Scale": -3, "ZeroCount": 4, "PositiveOffset": -7,
        "PositiveBucketCounts": [1, 0, 2**40], "NegativeOffset": 5,
        "NegativeBucketCounts": [9], "Min": -2, "Max": 2, "AggregationTemporality": 2, **USUAL,
    }  # fmt: skip


def rows(observatory: Observatory, kind: str, name: str) -> list[dict[str, Any]]:
    moments = "StartTimeUnix, TimeUnix" + ("" if kind == "summary" else ", `Exemplars.TimeUnix`")
    of_exemplars = "[]" if kind == "summary" else "`Exemplars.TimeUnix`"
    return observatory.rows(
        f"SELECT * EXCEPT ({moments}), toUnixTimestamp64Nano(StartTimeUnix) AS start, "
        "toUnixTimestamp64Nano(TimeUnix) AS time, "
        f"arrayMap(at -> toUnixTimestamp64Nano(at), {of_exemplars}) AS times "
        f"FROM otel.otel_metrics_{kind} WHERE MetricName = '{name}'"
    )


@cases("way", WAYS)
@cases("kind", KINDS)
def test_every_field_is_in_its_column(observatory: Observatory, kind: str, way: Any) -> None:
    now, name = time_ns(), fresh()
    data, own = sent_points(now)[kind]
    metric = Metric(name=name, description="what it is", unit="s")
    of_kind: Any = getattr(metric, kind)
    of_kind.CopyFrom(type(of_kind)(**data))
    scope = InstrumentationScope(
        name="vitrine", version="2", attributes=attributes({"short": "yes"})
    )
    scope.dropped_attributes_count = 3
    sent = request("metrics", [metric], {"service.name": "vitrine"}, scope)
    sent.resource_metrics[0].schema_url = "https://resource"
    sent.resource_metrics[0].scope_metrics[0].schema_url = "https://scope"

    way(observatory, "metrics", sent)

    [row] = rows(observatory, kind, name)
    assert row == own | {
        "ResourceAttributes": {"service.name": "vitrine"},
        "ResourceSchemaUrl": "https://resource",
        "ScopeName": "vitrine",
        "ScopeVersion": "2",
        "ScopeAttributes": {"short": "yes"},
        "ScopeDroppedAttrCount": 3,
        "ScopeSchemaUrl": "https://scope",
        "ServiceName": "vitrine",
        "MetricName": name,
        "MetricDescription": "what it is",
        "MetricUnit": "s",
        "Attributes": {"stage": "rank"},
        "start": now - 10**9,
        "time": now,
        "times": [] if kind == "summary" else [now, now + 1],
    }


@cases("kind", KINDS)
def test_a_point_with_few_fields_is_stored(observatory: Observatory, kind: str) -> None:
    name = fresh()
    metric = Metric(name=name)
    getattr(metric, kind).data_points.add(time_unix_nano=time_ns())
    assert http(observatory, "metrics", request("metrics", [metric])).code == 200
    [row] = rows(observatory, kind, name)
    del row["MetricName"], row["time"]
    assert set(map(str, row.values())) <= {"", "0", "[]", "{}", "False"}


@cases(
    ("value", "kept"),
    [
        ({"as_int": 2**53 + 1}, "9007199254740992"),
        ({"as_int": -(2**63)}, "-9223372036854776000"),
        ({"as_double": float("nan")}, "nan"),
        ({"as_double": float("-inf")}, "-inf"),
        ({}, "0"),
    ],
    ids=str,
)
def test_values_are_doubles(observatory: Observatory, value: Any, kept: str) -> None:
    name = fresh()
    metric = Metric(name=name)
    metric.gauge.data_points.add(time_unix_nano=time_ns(), **value)
    http(observatory, "metrics", request("metrics", [metric]))
    sql = f"SELECT toString(Value) FROM otel.otel_metrics_gauge WHERE MetricName = '{name}'"
    assert float(observatory.value(sql)) == pytest.approx(float(kept), rel=0, nan_ok=True)


def test_a_message_of_all_kinds_goes_to_all_tables(observatory: Observatory) -> None:
    name, metrics = fresh(), []
    for kind in KINDS:
        metric = Metric(name=name)
        getattr(metric, kind).data_points.add(time_unix_nano=time_ns())
        metrics.append(metric)
    metrics.append(Metric(name=name))  # without any data, which is no point
    answer = http(observatory, "metrics", request("metrics", metrics))
    assert (answer.code, answer.content.HasField("partial_success")) == (200, False)
    assert [len(rows(observatory, kind, name)) for kind in KINDS] == [1] * 5
