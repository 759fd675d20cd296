"""OTLP in JSON as senders in other languages write it."""

import json
from time import time_ns
from typing import Any
from uuid import uuid4

from tests.cases import cases
from tests.observatory.messages import fresh, request, span
from tests.observatory.observatory_process import Observatory
from tests.observatory.otlp_client import JSON, PROTOBUF, post

DEEP_JSON = b'{"arrayValue":{"values":[' * 500 + b"{}" + b"]}}" * 500
SURROGATE = "\0surrogate"


def spans(*each: dict[str, Any], **beside: Any) -> bytes:
    """A message; a lone surrogate stands in a text where SURROGATE did."""
    groups = [{"scopeSpans": [{"spans": [*each]}]}]
    text = json.dumps({"resourceSpans": groups, **beside})
    return text.replace(json.dumps(SURROGATE)[1:-1], r"\ud83d").encode()


def sent(called: str, **fields: Any) -> dict[str, Any]:
    """A span that can be stored."""
    given = {
        "traceId": uuid4().hex,
        "spanId": uuid4().hex[:16],
        "startTimeUnixNano": str(time_ns()),
    }
    return {"name": called, **given, **fields}


def kept(observatory: Observatory, body: bytes, name: str) -> list[dict[str, Any]]:
    answer = post(observatory, "traces", body, JSON)
    assert (answer.code, answer.content.ListFields()) == (200, [])
    return observatory.rows(
        "SELECT *, toUnixTimestamp64Nano(Timestamp) AS start FROM otel.otel_traces "
        f"WHERE SpanName = '{name}'"
    )


@cases("case", [str.lower, str.upper])
def test_ids_are_hexadecimal_in_either_case(observatory: Observatory, case: Any) -> None:
    name, trace = fresh(), uuid4().hex
    fields = {"traceId": case(trace), "parentSpanId": case("ab" * 8)}
    fields["links"] = [{"traceId": case("cd" * 16), "spanId": case("ef" * 8)}]
    [row] = kept(observatory, spans(sent(name, **fields)), name)
    assert (row["TraceId"], row["ParentSpanId"]) == (trace, "ab" * 8)
    assert (row["Links.TraceId"], row["Links.SpanId"]) == (["cd" * 16], ["ef" * 8])


def test_an_empty_id_is_none(observatory: Observatory) -> None:
    name = fresh()
    [row] = kept(observatory, spans(sent(name, parentSpanId="")), name)
    assert row["ParentSpanId"] == ""


@cases("identity", ["xyz", "é" * 32, "0x" + "1" * 30, "abc", "AAECAwQFBgc="])
@cases("field", ["traceId", "spanId", "parentSpanId"])
def test_a_span_with_an_id_that_is_not_hexadecimal_is_refused_alone(
    observatory: Observatory, field: str, identity: str
) -> None:
    assert "hexadecimal" in refused_alone(observatory, {field: identity})


@cases("as_number", [False, True])
def test_times_are_numbers_in_a_string_or_not(observatory: Observatory, as_number: bool) -> None:
    name, start = fresh(), time_ns()
    time: Any = start if as_number else str(start)
    [row] = kept(observatory, spans(sent(name, startTimeUnixNano=time)), name)
    assert row["start"] == start


@cases("value", [2**63 - 1, str(2**63 - 1)])
def test_integers_are_numbers_in_a_string_or_not(observatory: Observatory, value: Any) -> None:
    name = fresh()
    attribute = {"key": "n", "value": {"intValue": value}}
    [row] = kept(observatory, spans(sent(name, attributes=[attribute])), name)
    assert row["SpanAttributes"] == {"n": "9223372036854775807"}


@cases(("kind", "code"), [(2, 2), ("SPAN_KIND_SERVER", "STATUS_CODE_ERROR")])
def test_enums_are_numbers_or_names(observatory: Observatory, kind: Any, code: Any) -> None:
    name = fresh()
    [row] = kept(observatory, spans(sent(name, kind=kind, status={"code": code})), name)
    assert (row["SpanKind"], row["StatusCode"]) == ("Server", "Error")


@cases("unknown", [1, "x", None, [{"a": {}}], {"spanId": []}])
def test_fields_that_are_not_known_are_passed_over(observatory: Observatory, unknown: Any) -> None:
    name = fresh()
    body = spans(sent(name, unknown=unknown, sPaN=unknown), newInOtlp=unknown)
    assert len(kept(observatory, body, name)) == 1


def test_names_of_fields_may_have_underscores(observatory: Observatory) -> None:
    name = fresh()
    span_ = sent(name, parent_span_id="ab" * 8, end_time_unix_nano=str(2**62))
    del span_["traceId"]
    [row] = kept(observatory, spans({**span_, "trace_id": "cd" * 16}), name)
    assert (row["ParentSpanId"], row["TraceId"]) == ("ab" * 8, "cd" * 16)


@cases("field", ["attribute", "key", "status", "state"])
def test_a_lone_surrogate_loses_neither_message_nor_span(
    observatory: Observatory, field: str
) -> None:
    """What JavaScript has of an emoji that was cut in two."""
    name, odd = fresh(), f"cut {SURROGATE}"
    places: dict[str, dict[str, Any]] = {
        "attribute": {"attributes": [{"key": "k", "value": {"stringValue": odd}}]},
        "key": {"attributes": [{"key": odd, "value": {"stringValue": "v"}}]},
        "status": {"status": {"message": odd}},
        "state": {"traceState": odd},
    }
    assert len(kept(observatory, spans(sent(name, **places[field]), sent(name)), name)) == 2


@cases("field", ["name", "state", "status", "key", "value", "service"])
def test_what_is_not_utf_8_loses_neither_message_nor_span(
    observatory: Observatory, field: str
) -> None:
    name = fresh()
    odd = span(name, trace_state="state")
    odd.status.message = "status"
    odd.attributes.add(key="key").value.string_value = "value"
    message = request("traces", [odd, span(name)], {"service.name": "service"})
    if field == "name":
        message.resource_spans[0].scope_spans[0].spans.append(span("name"))
    body = message.SerializeToString()
    at = body.rindex(field.encode())
    body = body[:at] + b"\xff" + body[at + 1 :]
    answer = post(observatory, "traces", body, PROTOBUF)
    assert (answer.code, answer.content.ListFields()) == (200, [])
    sql = f"SELECT count() FROM otel.otel_traces WHERE SpanName = '{name}'"
    assert observatory.value(sql) == 2


@cases(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"1",
        b'"text"',
        b"{",
        b"\xff\xfe",
        b'{"resourceSpans": 5}',
        b'{"resourceSpans": [5]}',
        b"[" * 100_000,
        b'{"resourceSpans":' + b"[" * 900 + b"]" * 900 + b"}",
    ],
    ids=lambda body: ascii(body[:40]),
)
def test_json_that_is_no_message_is_a_400(observatory: Observatory, body: bytes) -> None:
    answer = post(observatory, "traces", body, JSON)
    assert answer.code == 400
    assert answer.content.message


def refused_alone(observatory: Observatory, fields: dict[str, Any]) -> str:
    """Why a span with these fields was refused; the one beside it is stored."""
    name = fresh()
    body = spans(sent("odd", **fields), sent(name))
    answer = post(observatory, "traces", body.replace(b'"DEEP"', DEEP_JSON), JSON)
    assert answer.code == 200
    assert answer.content.partial_success.rejected_spans == 1
    sql = f"SELECT count() FROM otel.otel_traces WHERE SpanName = '{name}'"
    assert observatory.value(sql) == 1
    return str(answer.content.partial_success.error_message)


@cases(
    "fields",
    [
        {"name": 5},
        {"startTimeUnixNano": float("nan")},
        {"startTimeUnixNano": float("inf")},
        {"flags": -1},
        {"attributes": [{"key": "k", "value": "DEEP"}]},
        {"attributes": [{"key": "k", "value": 5}]},
        {"startTimeUnixNano": "soon"},
        {"startTimeUnixNano": -1},
        {"startTimeUnixNano": 2**64},
        {"startTimeUnixNano": 1.5},
        {"attributes": {"key": "k"}},
        {"attributes": [{"key": "k", "value": {"intValue": "9" * 5000}}]},
    ],
    ids=lambda fields: ascii(fields)[:60],
)
def test_a_span_that_is_invalid_is_refused_alone(
    observatory: Observatory, fields: dict[str, Any]
) -> None:
    assert refused_alone(observatory, fields)
