"""Settings apply to one request, which is refused where they can't."""

from typing import Any

import pytest

from tests.cases import cases
from tests.observatory.clickhouse_client import ClickHouseClient, code

SEEN = "SELECT getSetting('max_execution_time'), getSetting('readonly'), currentDatabase()"
JSON = "SELECT 1::UInt64 AS a FORMAT JSONEachRow"
AS_IT_IS = "0\t0\tdefault\n"


@pytest.mark.lasting
@cases(
    "statement",
    [
        "USE otel",
        "CREATE TEMPORARY TABLE passing (a Int8)",
        "SET max_execution_time = 77",
        "SELECT 1 SETTINGS max_execution_time = 77",
        "SET readonly = 1",
    ],
)
def test_nothing_outlives_its_request(clickhouse: ClickHouseClient, statement: str) -> None:
    clickhouse.send_authorized(statement, database="otel")  # refused or without effect
    for _ in range(4):
        assert clickhouse.execute(SEEN) == AS_IT_IS
        assert clickhouse.send_authorized("SELECT * FROM passing").status_code == 404


@cases(
    ("settings", "sql", "expected"),
    [
        ({"max_execution_time": "1"}, "SELECT getSetting('max_execution_time')", "1\n"),
        ({"join_use_nulls": "1"}, "SELECT getSetting('join_use_nulls')", "true\n"),
        ({"session_timezone": "Asia/Tokyo"}, "SELECT timezone()", "Asia/Tokyo\n"),
        ({"output_format_json_quote_64bit_integers": "1"}, JSON, '{"a":"1"}\n'),
        ({"session_id": "x", "wait_end_of_query": "1", "readonly": "2"}, "SELECT 1", "1\n"),
    ],
)  # fmt: skip
def test_a_setting_in_the_address_is_honoured(
    clickhouse: ClickHouseClient, settings: dict[str, Any], sql: str, expected: str
) -> None:
    assert clickhouse.send(sql, **settings).text == expected
    assert clickhouse.send("SELECT getSetting('join_use_nulls')").text == "false\n"


@cases(
    "settings",
    [
        {"max_execution_time": "600"},
        {"max_execution_time": "0"},
        {"max_memory_usage": "99999999999"},
        {"readonly": "0"},
        {"format_schema": "/etc/passwd:A"},
        {"format_template_row": "/etc/passwd"},
        {"max_parser_depth": "100000"},
        {"no_such_setting": "1"},
        {"role": "admin"},
    ],
)
def test_a_setting_that_can_not_be_honoured_is_refused(
    clickhouse: ClickHouseClient, settings: dict[str, Any]
) -> None:
    answer = clickhouse.send("SELECT 1", **settings)
    assert (answer.status_code, code(answer)) == (403, 164)
    assert next(iter(settings)) in answer.text or "readonly" in answer.text


def test_an_unknown_setting_of_a_writer_is_the_engine_s_error(clickhouse: ClickHouseClient) -> None:
    assert code(clickhouse.send_authorized("SELECT 1", no_such_setting="1")) == 115
    assert clickhouse.execute("SELECT getSetting('max_threads')", max_threads="3") == "3\n"
