"""Log records in the columns of otel_logs, as the collector's ClickHouse exporter has them."""

from time import time_ns
from typing import Any

from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from tests.cases import cases
from tests.observatory.messages import attributes, fresh, log, request
from tests.observatory.observatory_process import Observatory
from tests.observatory.otlp_client import WAYS, http

COLUMNS = """SELECT * EXCEPT (Timestamp, TimestampTime),
toUnixTimestamp64Nano(Timestamp) AS time, toUnixTimestamp(TimestampTime) AS second
FROM otel.otel_logs WHERE """


def whole(name: str, now: int) -> LogRecord:
    """A record with all its fields."""
    return log(
        name,
        time_unix_nano=now,
        observed_time_unix_nano=now + 10**10,
        severity_number=17,
        severity_text="ERROR",
        attributes=attributes({"code.line.number": 7}),
        flags=0x301,
        trace_id=bytes(range(16)),
        span_id=bytes(range(8)),
        event_name="vitrine.fault",
        dropped_attributes_count=2,
    )


@cases("way", WAYS)
def test_every_field_is_in_its_column(observatory: Observatory, way: Any) -> None:
    now, name = time_ns(), fresh()
    scope = InstrumentationScope(
        name="vitrine", version="2", attributes=attributes({"short": "yes"})
    )
    sent = request("logs", [whole(name, now)], {"service.name": "vitrine", "up": True}, scope)
    sent.resource_logs[0].schema_url = "https://resource"
    sent.resource_logs[0].scope_logs[0].schema_url = "https://scope"

    way(observatory, "logs", sent)

    [row] = observatory.rows(f"{COLUMNS} Body = '{name}'")
    assert row == {
        "time": now,
        "second": now // 10**9,
        "TraceId": bytes(range(16)).hex(),
        "SpanId": bytes(range(8)).hex(),
        "TraceFlags": 1,
        "SeverityText": "ERROR",
        "SeverityNumber": 17,
        "ServiceName": "vitrine",
        "Body": name,
        "ResourceSchemaUrl": "https://resource",
        "ResourceAttributes": {"service.name": "vitrine", "up": "true"},
        "ScopeSchemaUrl": "https://scope",
        "ScopeName": "vitrine",
        "ScopeVersion": "2",
        "ScopeAttributes": {"short": "yes"},
        "LogAttributes": {"code.line.number": "7"},
        "EventName": "vitrine.fault",
    }


def test_without_a_time_it_is_when_it_was_observed(observatory: Observatory) -> None:
    now, name = time_ns(), fresh()
    record = log(name, time_unix_nano=0, observed_time_unix_nano=now)
    http(observatory, "logs", request("logs", [record]))
    [row] = observatory.rows(f"{COLUMNS} Body = '{name}'")
    assert (row["time"], row["second"]) == (now, now // 10**9)


def test_a_record_with_few_fields_is_stored(observatory: Observatory) -> None:
    name = fresh()
    http(observatory, "logs", request("logs", [log(name)]))
    [row] = observatory.rows(f"{COLUMNS} Body = '{name}'")
    rest = {key: of for key, of in row.items() if key not in {"time", "second", "Body"}}
    assert set(map(str, rest.values())) == {"", "0", "{}"}


def test_severities_and_ids_that_are_invalid_lose_no_record(observatory: Observatory) -> None:
    """logs.proto: a record belongs to no trace "if the field contains an invalid value"."""
    name = fresh()
    severities: list[Any] = [0, 6, 12, 24, -1, 256, 2**31 - 1]
    records = [log(name, severity_number=number) for number in severities]
    for length in (1, 7, 15, 17, 64):
        records += [log(name, trace_id=b"\1" * length), log(name, span_id=b"\1" * length)]
    answer = http(observatory, "logs", request("logs", records))
    assert (answer.code, answer.content.HasField("partial_success")) == (200, False)
    rows = observatory.rows(f"{COLUMNS} Body = '{name}'")
    assert len(rows) == len(records)
    assert {each["SeverityNumber"] for each in rows} >= {0, 6, 12, 24}
    assert {(each["TraceId"], each["SpanId"]) for each in rows} == {("", "")}
