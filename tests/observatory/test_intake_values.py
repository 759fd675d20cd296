"""Attribute values as the collector's ClickHouse exporter (v0.149.0) writes them, and where not."""

import math
from time import time_ns
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans

from observatory.intake import otlp_messages as messages_
from observatory.intake import spans
from observatory.intake.attribute_values import pairs
from observatory.intake.otlp_messages import TracesRequest, parse
from observatory.intake.row_blocks import Decoded
from observatory.intake.time_window import Window
from observatory.store.native_format import MAX_NAME_BYTES, text
from tests.cases import cases
from tests.observatory import messages
from tests.observatory.messages import HOUR, attributes, fresh, log, request, span
from tests.observatory.observatory_process import Observatory
from tests.observatory.otlp_client import WAYS, http, http_json

SAME: list[tuple[Any, str]] = [
    ("", ""),
    ("text", "text"),
    ("ünïcode 🙈", "ünïcode 🙈"),
    ("tab\tnew\nline\0nul", "tab\tnew\nline\0nul"),
    (True, "true"),
    (False, "false"),
    (0, "0"),
    (-(2**63), "-9223372036854775808"),
    (2**63 - 1, "9223372036854775807"),
    (b"", ""),
    (b"\x00\xff\xfe", "AP/+"),
    (None, ""),
    (0.5, "0.5"),
    (-1.0, "-1"),
    (0.1 + 0.2, "0.30000000000000004"),
    (1e21, "1e+21"),
    (1.7976931348623157e308, "1.7976931348623157e+308"),
    ((), "[]"),
    ((1, "a", True, None, 0.5), '[1,"a",true,null,0.5]'),
    ((("a",), ()), '[["a"],[]]'),
    ((b"\x00\xff",), '["AP8="]'),
    (("ü", '"', "\\", "\n"), r'["ü","\"","\\","\n"]'),
]
"""What is sent, and what both write."""

OTHERWISE: list[tuple[Any, str, str]] = [
    (math.nan, "nan", "json: unsupported value: NaN"),
    (math.inf, "inf", "json: unsupported value: +Inf"),
    (-math.inf, "-inf", "json: unsupported value: -Inf"),
    ((math.nan, 1), '["nan",1]', ""),
    (("<&>",), '["<&>"]', r'["\u003c\u0026\u003e"]'),
    ({"b": 1, "a": 2}, '{"b":1,"a":2}', '{"a":2,"b":1}'),
]
"""What is sent, what is stored here, and what the exporter writes."""
DOUBLES: list[tuple[Any, str]] = [
    (1e16, "10000000000000000"),
    (1e-5, "0.00001"),
    (1e-6, "0.000001"),
    (1e-7, "1e-7"),
    (-2.5e-9, "-2.5e-9"),
    ((1.0, 1e16, 1e-7), "[1,10000000000000000,1e-07]"),
]


def test_values_are_written_as_by_the_exporter_or_as_documented_here(
    observatory: Observatory,
) -> None:
    cases = [*SAME, *DOUBLES, *((value, here) for value, here, _ in OTHERWISE)]
    assert all(here != there for _, here, there in OTHERWISE)
    name = fresh()
    has = attributes({f"{number}": value for number, (value, _) in enumerate(cases)})
    http(observatory, "traces", request("traces", [span(name, attributes=has)]))
    sql = f"SELECT SpanAttributes AS kept FROM otel.otel_traces WHERE SpanName = '{name}'"
    [row] = observatory.rows(sql)
    assert row["kept"] == {f"{number}": written for number, (_, written) in enumerate(cases)}


def test_a_body_is_written_as_an_attribute_is(observatory: Observatory) -> None:
    name = fresh()
    records = [
        log("", body=messages.value(value), attributes=attributes({"name": name, "at": number}))
        for number, (value, _) in enumerate(SAME)
    ]
    http(observatory, "logs", request("logs", records))
    rows = observatory.rows(
        f"SELECT Body AS body FROM otel.otel_logs WHERE LogAttributes['name'] = '{name}' "
        "ORDER BY toInt64(LogAttributes['at'])"
    )
    assert [each["body"] for each in rows] == [written for _, written in SAME]


def test_a_key_given_twice_is_there_twice(observatory: Observatory) -> None:
    name = fresh()
    twice = [*attributes({"k": "one"}), *attributes({"k": "two"}), *attributes({"a": "three"})]
    http(observatory, "traces", request("traces", [span(name, attributes=twice)]))
    [row] = observatory.rows(
        "SELECT mapKeys(SpanAttributes) AS keys, mapValues(SpanAttributes) AS values "
        f"FROM otel.otel_traces WHERE SpanName = '{name}'"
    )
    assert row == {"keys": ["k", "k", "a"], "values": ["one", "two", "three"]}


@cases("way", WAYS)
def test_a_value_nested_deeply_is_kept(observatory: Observatory, way: Any) -> None:
    deep: Any = "at last"
    for _ in range(20):
        deep = [deep]
    name = fresh()
    record = span(name, attributes=attributes({"k": deep}))
    assert way(observatory, "traces", request("traces", [record])).code in {0, 200}
    sql = f"SELECT SpanAttributes['k'] FROM otel.otel_traces WHERE SpanName = '{name}'"
    assert observatory.value(sql) == "[" * 20 + '"at last"' + "]" * 20


@cases("way", [http, http_json])
@cases("nested", [False, True])
def test_a_kind_of_value_that_is_not_known_harms_no_span(
    observatory: Observatory, way: Any, nested: bool
) -> None:
    # An index into the dictionary of profiles, which no other signal has.
    unsupported = AnyValue(string_value_strindex=7)
    if nested:
        unsupported = messages.value([])
        unsupported.array_value.values.add(string_value_strindex=7)
    name = fresh()
    record = span(name, attributes=[KeyValue(key="k", value=unsupported)])
    assert way(observatory, "traces", request("traces", [record, span(name)])).code == 200
    sql = f"SELECT count() FROM otel.otel_traces WHERE SpanName = '{name}'"
    assert observatory.value(sql) == 2


def test_what_records_share_is_not_repeated_without_bound() -> None:
    """A message of a third of a megabyte would be a quarter of a gigabyte of rows."""
    attribute = KeyValue(key="k", value=AnyValue(string_value="v" * 250_000))
    resource = Resource(attributes=[attribute])
    scope = ScopeSpans(spans=[span("s") for _ in range(1000)])
    message = ExportTraceServiceRequest(
        resource_spans=[ResourceSpans(resource=resource, scope_spans=[scope])]
    )
    request = TracesRequest.FromString(message.SerializeToString())
    decoded = Decoded()
    spans.decode(request, Window.around(time_ns(), 72 * HOUR), decoded)
    assert decoded.rejected == 1000
    assert "too large" in decoded.reason


def test_keys_are_cut_where_values_are_not() -> None:
    sent = Resource()
    attribute = sent.attributes.add(key="k" * 5000)
    attribute.value.string_value = "v" * 5000
    read = parse(messages_.Resource, sent.SerializeToString())
    kept = pairs(read.attributes)
    assert len(kept.keys) == len(text(b"k" * MAX_NAME_BYTES))
    assert len(kept.values) == len(text(b"v" * 5000))
