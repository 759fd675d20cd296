"""What can't be stored is counted with a reason; the rest of the message is stored."""

from time import time_ns
from typing import Any

from tests.cases import cases
from tests.observatory.messages import (
    HOUR,
    NAMES,
    REJECTED,
    TABLES,
    fresh,
    gauge,
    part,
    record,
    request,
    span,
)
from tests.observatory.observatory_process import Observatory
from tests.observatory.otlp_client import WAYS, call, http, post

SIGNALS = sorted(TABLES)
TIME = {
    "traces": "start_time_unix_nano",
    "logs": "time_unix_nano",
    "metrics": "time_unix_nano",
}


def stored(observatory: Observatory, signal: str, name: str) -> int:
    sql = f"SELECT count() FROM {TABLES[signal]} WHERE {NAMES[signal]} = '{name}'"
    return int(observatory.value(sql))


def at(signal: str, name: str, time: int) -> Any:
    return record(signal, name, **{TIME[signal]: time})


@cases("way", WAYS)
@cases("signal", SIGNALS)
def test_what_is_refused_is_counted_and_only_that(
    observatory: Observatory, signal: str, way: Any
) -> None:
    """Success is an empty answer, also to an empty message."""
    name, now = fresh(), time_ns()
    nothing = request(signal, [])
    for fine in (type(nothing)(), nothing, request(signal, [record(signal, name)] * 3)):
        answer = way(observatory, signal, fine)
        assert answer.code in {0, 200}
        assert not answer.content.ListFields()
    for times in ([now, 1, 0, now, 1], [1, 1]):
        answer = way(observatory, signal, request(signal, [at(signal, name, t) for t in times]))
        assert answer.code in {0, 200}
        partial = answer.content.partial_success
        assert getattr(partial, REJECTED[signal]) == len(times) - times.count(now)
        assert "older than the retention" in partial.error_message
    assert stored(observatory, signal, name) == 5


@cases("signal", SIGNALS)
@cases(
    ("ago", "why"),
    [
        (73 * HOUR, "older than the retention"),
        (-25 * HOUR, "more than a day in the future"),
        (-(2**62), "more than a day in the future"),
    ],
)
def test_times_out_of_reach_are_refused(
    observatory: Observatory, signal: str, ago: int, why: str
) -> None:
    answer = http(observatory, signal, request(signal, [at(signal, "away", time_ns() - ago)]))
    assert why in answer.content.partial_success.error_message


@cases("signal", SIGNALS)
@cases("ago", [71 * HOUR, -23 * HOUR])
def test_times_within_reach_are_stored(observatory: Observatory, signal: str, ago: int) -> None:
    name = fresh()
    http(observatory, signal, request(signal, [at(signal, name, time_ns() - ago)]))
    assert stored(observatory, signal, name) == 1


@cases("signal", SIGNALS)
def test_a_time_beyond_all_calendars_is_refused(observatory: Observatory, signal: str) -> None:
    answer = http(observatory, signal, request(signal, [at(signal, "never", 2**64 - 1)]))
    assert getattr(answer.content.partial_success, REJECTED[signal]) == 1


@cases("signal", SIGNALS)
def test_no_time_is_named_as_the_reason(observatory: Observatory, signal: str) -> None:
    answer = http(observatory, signal, request(signal, [at(signal, "timeless", 0)]))
    assert "no " in answer.content.partial_success.error_message


@cases("field", ["trace_id", "span_id"])
@cases("length", [0, 1, 7, 15, 17, 32])
def test_a_span_needs_ids_of_their_length(
    observatory: Observatory, field: str, length: int
) -> None:
    name = fresh()
    bad = span(name, **{field: b"\1" * length})
    answer = http(observatory, "traces", request("traces", [bad, span(name)]))
    assert answer.content.partial_success.rejected_spans == 1
    assert field.replace("_", " ") in answer.content.partial_success.error_message
    assert stored(observatory, "traces", name) == 1


@cases("field", ["trace_id", "span_id"])
def test_an_id_of_zeros_is_none(observatory: Observatory, field: str) -> None:
    zeros = bytes(16 if field == "trace_id" else 8)
    answer = http(observatory, "traces", request("traces", [span("zeros", **{field: zeros})]))
    assert answer.content.partial_success.rejected_spans == 1


@cases("send", [post, call])
@cases(("signal", "attributes"), [("traces", 9), ("logs", 6)])
def test_a_record_that_is_nested_too_deeply_is_refused_alone(
    observatory: Observatory, signal: str, attributes: int, send: Any
) -> None:
    name, value = fresh(), b""
    for _ in range(200):
        value = part(5, part(1, value))
    good = record(signal, name).SerializeToString()
    deep = good + part(attributes, part(1, b"deep") + part(2, value))
    records = part(2, good) + part(2, deep) + part(2, good)
    answer = send(observatory, signal, part(1, part(2, records)))
    assert answer.code in {0, 200}
    assert getattr(answer.content.partial_success, REJECTED[signal]) == 1
    assert "nested" in answer.content.partial_success.error_message
    assert stored(observatory, signal, name) == 2


@cases("signal", SIGNALS)
def test_a_resource_that_can_not_be_read_costs_its_own_records(
    observatory: Observatory, signal: str
) -> None:
    name = fresh()
    bad = request(signal, [record(signal, name)] * 2, {"odd": "\1"})
    odd = getattr(bad, bad.ListFields()[0][0].name)[0].resource.attributes[0].value
    for _ in range(60):
        odd = odd.array_value.values.add()
    bad.MergeFrom(request(signal, [record(signal, name)]))
    answer = http(observatory, signal, bad)
    assert getattr(answer.content.partial_success, REJECTED[signal]) == 2
    assert stored(observatory, signal, name) == 1


def test_points_are_counted_not_metrics(observatory: Observatory) -> None:
    name = fresh()
    metric = gauge(name)
    metric.gauge.data_points.add(time_unix_nano=1)
    metric.gauge.data_points.add(time_unix_nano=2)
    other = gauge(name, time_unix_nano=3)
    answer = http(observatory, "metrics", request("metrics", [metric, other]))
    assert answer.content.partial_success.rejected_data_points == 3
    assert stored(observatory, "metrics", name) == 1


@cases("signal", SIGNALS)
def test_groups_are_counted_together(observatory: Observatory, signal: str) -> None:
    sent = request(signal, [at(signal, "late", 1)])
    sent.MergeFrom(request(signal, [at(signal, "late", 1), at(signal, "late", 0)]))
    answer = http(observatory, signal, sent)
    assert getattr(answer.content.partial_success, REJECTED[signal]) == 3
