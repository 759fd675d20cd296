"""Settings hold for one request, which says so where they can't."""

from typing import Any

import pytest

from tests.observatory.door import Door, code

pytest_plugins = ["tests.observatory.opened"]

SEEN = "SELECT getSetting('max_execution_time'), getSetting('readonly'), currentDatabase()"
JSON = "SELECT 1::UInt64 AS a FORMAT JSONEachRow"
AS_IT_IS = "0\t0\tdefault\n"


@pytest.mark.parametrize(
    "statement",
    [
        "USE otel",
        "CREATE TEMPORARY TABLE passing (a Int8)",
        "SET max_execution_time = 77",
        "SELECT 1 SETTINGS max_execution_time = 77",
        "SET readonly = 1",
    ],
)
def test_nothing_outlives_its_request(door: Door, statement: str) -> None:
    door.tell(statement, database="otel")  # refused or without effect
    for _ in range(4):
        assert door.told(SEEN) == AS_IT_IS
        assert door.tell("SELECT * FROM passing").status_code == 404


@pytest.mark.parametrize(
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
    door: Door, settings: dict[str, Any], sql: str, expected: str
) -> None:
    assert door.ask(sql, **settings).text == expected
    assert door.ask("SELECT getSetting('join_use_nulls')").text == "false\n"


@pytest.mark.parametrize(
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
    door: Door, settings: dict[str, Any]
) -> None:
    answer = door.ask("SELECT 1", **settings)
    assert (answer.status_code, code(answer)) == (403, 164)
    assert next(iter(settings)) in answer.text or "readonly" in answer.text


def test_an_unknown_setting_of_a_writer_is_the_engine_s_error(door: Door) -> None:
    assert code(door.tell("SELECT 1", no_such_setting="1")) == 115
    assert door.told("SELECT getSetting('max_threads')", max_threads="3") == "3\n"
