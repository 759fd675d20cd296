"""Telemetry as rows of SigNoz's tables, as its exporters (v0.144.6) write them."""

import json
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from itertools import accumulate
from typing import Any

from app.telemetry import vocabulary as v
from tests.observatory.otel_rows import Row, before, moment
from tests.observatory.report_telemetry import (
    Attributes,
    Histogram,
    Number,
    Record,
    Span,
    Telemetry,
    Texts,
    as_texts,
    resource,
    span_id,
    trace_id,
)

TABLES = (
    "signoz_traces.distributed_signoz_index_v3",
    "signoz_logs.distributed_logs_v2",
    "signoz_metrics.distributed_samples_v4",
    "signoz_metrics.time_series_v4",
)
HALF_HOUR, HOUR = 1800, 3600


def rows(telemetry: Telemetry, now: int) -> Iterator[Row]:
    """`now` in nanoseconds since 1970."""
    match telemetry:
        case Span():
            yield TABLES[0], _span(telemetry, before(now, telemetry.ago))
        case Record():
            yield TABLES[1], _record(telemetry, before(now, telemetry.ago))
        case Number():
            yield from _values(telemetry, now, telemetry.name, {"": telemetry.value})
        case Histogram():
            totals = [*accumulate(telemetry.counts)]
            bounds = [f"{bound:g}" for bound in telemetry.bounds] + ["+Inf"]
            buckets = dict(zip(bounds, totals, strict=True))
            yield from _values(telemetry, now, f"{telemetry.name}.bucket", buckets)
            yield from _values(telemetry, now, f"{telemetry.name}.count", {"": totals[-1]})
            yield from _values(telemetry, now, f"{telemetry.name}.sum", {"": telemetry.total})


def _apart(attributes: Attributes) -> dict[str, Any]:
    """Texts, numbers and truth values lie in columns of their own."""
    flags = {name: value for name, value in attributes.items() if isinstance(value, bool)}
    texts = {name: value for name, value in attributes.items() if isinstance(value, str)}
    others = attributes.keys() - flags.keys() - texts.keys()
    return {
        "attributes_string": texts,
        "attributes_number": {name: attributes[name] for name in others},
        "attributes_bool": flags,
    }


def _span(span: Span, start: int) -> dict[str, Any]:
    trace, status = trace_id(span.trace), "Error" if span.failed else "Unset"
    parent = {"traceId": trace, "refType": "CHILD_OF"}
    if span.parent:
        parent["spanId"] = span_id(span.parent)
    links = [
        {"traceId": trace_id(trace), "spanId": span_id(other), "refType": "FOLLOWS_FROM"}
        for trace, other in span.links
    ]
    return {
        "ts_bucket_start": start // 10**9 // HALF_HOUR * HALF_HOUR,
        "timestamp": moment(start),
        "trace_id": trace,
        "span_id": span_id(span.id),
        "parent_span_id": span_id(span.parent),
        "name": span.name,
        "kind_string": span.kind,
        "duration_nano": round(span.seconds * 10**9),
        "status_code_string": status,
        "has_error": span.failed,
        **_apart(span.attributes),
        "resources_string": resource("one"),
        "events": [
            json.dumps(
                {
                    "name": event.name,
                    "timeUnixNano": start,
                    "attributeMap": as_texts(event.attributes),
                }
            )
            for event in span.events
        ],
        "links": json.dumps([parent, *links]),
        "scope": {"name": span.scope, "version": ""},
    }


def _record(record: Record, at: int) -> dict[str, Any]:
    return {
        "ts_bucket_start": at // 10**9 // HALF_HOUR * HALF_HOUR,
        "timestamp": at,
        "trace_id": trace_id(record.trace) if record.trace else "",
        "span_id": span_id(record.span),
        "severity_text": record.severity,
        "severity_number": record.number,
        "body": record.body,
        **_apart(record.attributes),
        "resources_string": resource("one"),
        "scope_name": v.SCOPE,
    }


def _values(
    point: Number | Histogram, now: int, name: str, values: Mapping[str, float]
) -> Iterator[Row]:
    """A sample and a line about its series for each value; `values` by `le`, where there is one."""
    milliseconds = before(now, point.ago) // 10**6
    for le, value in values.items():
        labels = as_texts(point.attributes) | {"__temporality__": "Cumulative"}
        labels |= {"le": le} if le else {}
        gauge = isinstance(point, Number) and point.kind == "gauge"
        series = {
            "temporality": "Unspecified" if gauge else "Cumulative",
            "metric_name": name,
            "fingerprint": _fingerprint(name, labels, point.instance),
        }
        yield TABLES[2], {**series, "unix_milli": milliseconds, "value": value}
        about = {
            "unit": point.unit if isinstance(point, Histogram) else "1",
            "type": "Histogram" if le else "Gauge" if gauge else "Sum",
            "is_monotonic": isinstance(point, Histogram) or point.kind == "counter",
            "unix_milli": milliseconds // (HOUR * 1000) * HOUR * 1000,
            "attrs": labels,
            "resource_attrs": resource(point.instance),
        }
        yield TABLES[3], {**series, **about}


def _fingerprint(name: str, labels: Texts, instance: str) -> int:
    text = repr((name, sorted(labels.items()), instance))
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest())
