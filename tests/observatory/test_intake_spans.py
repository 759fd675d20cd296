"""Spans in the columns of otel_traces, as the collector's ClickHouse exporter has them."""

from time import time_ns
from typing import Any
from uuid import uuid4

from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from tests.cases import cases
from tests.observatory.messages import attributes, fresh, request, span
from tests.observatory.observatory_process import Observatory
from tests.observatory.otlp_client import WAYS, http

COLUMNS = """SELECT * EXCEPT (Timestamp, `Events.Timestamp`),
toUnixTimestamp64Nano(Timestamp) AS start,
arrayMap(at -> toUnixTimestamp64Nano(at), `Events.Timestamp`) AS times
FROM otel.otel_traces WHERE """
TRACE, OWN, PARENT, OTHER = bytes(range(16)), bytes(range(8)), b"\xff" * 8, b"\xab" * 8
KINDS = ("Unspecified", "Internal", "Server", "Client", "Producer", "Consumer")
CODES = ("Unset", "Ok", "Error")


def kept(observatory: Observatory, record: Span) -> dict[str, Any]:
    """The row of a span with a unique name."""
    http(observatory, "traces", request("traces", [record]))
    [row] = observatory.rows(f"{COLUMNS} SpanName = '{record.name}'")
    return row


def whole(name: str, now: int) -> Span:
    """A span with all its fields."""
    first = Span.Event(
        time_unix_nano=now + 5, name="retry", attributes=attributes({"n": 1, "last": False})
    )
    made = span(
        name,
        trace_id=TRACE,
        span_id=OWN,
        parent_span_id=PARENT,
        trace_state="a=1,b=2",
        kind=Span.SPAN_KIND_SERVER,
        start_time_unix_nano=now,
        end_time_unix_nano=now + 1_234_567_891,
        attributes=attributes({"http.route": "/recommend", "http.status": 503}),
        status=Status(code=Status.STATUS_CODE_ERROR, message="no répönse"),
        events=[first, Span.Event(time_unix_nano=now + 6, name="gave up")],
        links=[Span.Link(trace_id=PARENT * 2, span_id=OTHER, trace_state="c=3")],
        flags=1,
        dropped_attributes_count=4,
    )
    made.links[0].attributes.extend(attributes({"why": "batch"}))
    return made


@cases("way", WAYS)
def test_every_field_is_in_its_column(observatory: Observatory, way: Any) -> None:
    now, name = time_ns(), fresh()
    scope = InstrumentationScope(name="vitrine.stages", version="1.2")
    sent = request("traces", [whole(name, now)], {"service.name": "vitrine", "host.id": 7}, scope)

    way(observatory, "traces", sent)

    [row] = observatory.rows(f"{COLUMNS} SpanName = '{name}'")
    assert row == {
        "start": now,
        "TraceId": TRACE.hex(),
        "SpanId": OWN.hex(),
        "ParentSpanId": "ff" * 8,
        "TraceState": "a=1,b=2",
        "SpanName": name,
        "SpanKind": "Server",
        "ServiceName": "vitrine",
        "ResourceAttributes": {"service.name": "vitrine", "host.id": "7"},
        "ScopeName": "vitrine.stages",
        "ScopeVersion": "1.2",
        "SpanAttributes": {"http.route": "/recommend", "http.status": "503"},
        "Duration": 1_234_567_891,
        "StatusCode": "Error",
        "StatusMessage": "no répönse",
        "times": [now + 5, now + 6],
        "Events.Name": ["retry", "gave up"],
        "Events.Attributes": [{"n": "1", "last": "false"}, {}],
        "Links.TraceId": ["ff" * 16],
        "Links.SpanId": ["ab" * 8],
        "Links.TraceState": ["c=3"],
        "Links.Attributes": [{"why": "batch"}],
    }


def test_a_root_span_has_no_parent(observatory: Observatory) -> None:
    assert kept(observatory, span(fresh()))["ParentSpanId"] == ""
    assert kept(observatory, span(fresh(), parent_span_id=bytes(8)))["ParentSpanId"] == ""


def test_kinds_and_codes_are_words_and_durations_make_sense(observatory: Observatory) -> None:
    """The exporter leaves words empty that it lacks, and its durations go round to 584 years."""
    now, name = time_ns(), fresh()
    cases: list[tuple[Any, Any, int, str, str]] = [
        *((number, 0, now, word, "Unset") for number, word in enumerate(KINDS)),
        *((1, number, now, "Internal", word) for number, word in enumerate(CODES)),
        *((n, n, now, "Unspecified", "Unset") for n in (6, 99, -1, -(2**31), 2**31 - 1)),
        *((1, 0, end, "Internal", "Unset") for end in (now - 1, now - 10**18, 0, 2**64 - 1)),
    ]
    spans = [
        span(
            name, span_id=number.to_bytes(8), kind=kind, status=Status(code=code),
            start_time_unix_nano=now, end_time_unix_nano=end,
        )
        for number, (kind, code, end, _, _) in enumerate(cases, 1)
    ]  # fmt: skip
    http(observatory, "traces", request("traces", spans))
    rows = observatory.rows(f"{COLUMNS} SpanName = '{name}' ORDER BY SpanId")
    assert [(each["SpanKind"], each["StatusCode"], each["Duration"]) for each in rows] == [
        (kind, code, max(0, end - now)) for _, _, end, kind, code in cases
    ]


def test_without_a_service_name_there_is_none(observatory: Observatory) -> None:
    row = kept(observatory, span(fresh()))
    assert (row["ServiceName"], row["ResourceAttributes"]) == ("", {})


def test_groups_keep_what_is_theirs(observatory: Observatory) -> None:
    one, two = fresh(), fresh()
    scopes = (InstrumentationScope(name=name, version=name) for name in (one, two))
    sent = request("traces", [span(one), span(one)], {"service.name": one}, next(scopes))
    more = request("traces", [span(two)], {"service.name": two}, next(scopes))
    sent.MergeFrom(more)
    http(observatory, "traces", sent)
    rows = observatory.rows(
        "SELECT SpanName AS n, ServiceName AS s, ScopeName AS c, ScopeVersion AS v, count() AS k "
        f"FROM otel.otel_traces WHERE SpanName IN ('{one}', '{two}') GROUP BY ALL ORDER BY k"
    )
    assert rows == [
        {"n": name, "s": name, "c": name, "v": name, "k": count}
        for name, count in ((two, 1), (one, 2))
    ]


def test_from_when_to_when_a_trace_lasted_is_kept(observatory: Observatory) -> None:
    trace, now = uuid4().bytes, time_ns()
    starts = [now, now - 90 * 10**9, now - 30 * 10**9]
    spans = [span("part", trace_id=trace, start_time_unix_nano=start) for start in starts]
    for each in (spans[:2], spans[2:]):
        http(observatory, "traces", request("traces", each))
    [row] = observatory.rows(
        "SELECT toUnixTimestamp(min(Start)) AS start, toUnixTimestamp(max(End)) AS end "
        f"FROM otel.otel_traces_trace_id_ts WHERE TraceId = '{trace.hex()}'"
    )
    assert row == {"start": starts[1] // 10**9, "end": now // 10**9}
