"""clickhouse-connect reads: values are intact, refusals are exceptions."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from tests.cases import cases
from tests.observatory import clickhouse_client as endpoints
from tests.observatory.clickhouse_client import TOKEN, ClickHouseClient

ODD = 'it\'s "odd" \\ \t\n\r\0\b\f`´ {a} %s %(b)s ä€😀 \\N \\t ?'
USERS: list[dict[str, str]] = [{}, {"username": "default"}, {"username": "anybody"}]


@cases("user", [*USERS, {"password": TOKEN}, {"username": "x", "password": TOKEN}])
def test_it_connects_with_and_without_the_token(
    clickhouse: ClickHouseClient, user: dict[str, str]
) -> None:
    with clickhouse.connected(**user) as client:
        assert client.ping() is True
        assert client.query("SELECT 1, 'a'").result_rows == [(1, "a")]
        assert client.server_version == client.command("SELECT version()")


def test_a_wrong_password_is_reported(clickhouse: ClickHouseClient) -> None:
    with pytest.raises(DatabaseError, match=r"code: 516.*the token") as caught:
        clickhouse.connected(password="not the token")
    assert TOKEN not in str(caught.value)


@cases(
    ("sort", "value"),
    [
        ("String", ODD),
        ("String", ""),
        ("String", "; DROP TABLE otel.otel_logs; --"),
        ("Array(String)", [ODD, "", "'", "\\"]),
        ("Array(Int64)", [-(2**63), 0, 2**63 - 1]),
        ("Array(Array(String))", [["[", "'"], []]),
        ("UInt64", 2**64 - 1),
        ("Float64", -0.1),
        ("Nullable(String)", None),
        ("DateTime64(6)", datetime(2024, 2, 29, 23, 59, 59, 999999)),  # noqa: DTZ001
    ],
)
def test_parameters_arrive_as_they_are(clickhouse: ClickHouseClient, sort: str, value: Any) -> None:
    with clickhouse.connected() as client:
        [(seen,)] = client.query(f"SELECT {{given:{sort}}}", {"given": value}).result_rows
    assert seen == value


def test_values_of_all_sizes_come_back(clickhouse: ClickHouseClient) -> None:
    sql = "SELECT 1/0 AS a, -inf AS b, 0.1 AS c, toInt128('-1') AS d, [NULL, 2] AS e, tuple(1, 'x')"
    with clickhouse.connected() as client:
        [(a, b, c, d, e, f)] = client.query(sql).result_rows
    assert (a, b, c, d, e, f) == (math.inf, -math.inf, 0.1, -1, [None, 2], (1, "x"))


def test_300_000_rows_come_in_blocks(clickhouse: ClickHouseClient) -> None:
    with clickhouse.connected() as client:
        sql = "SELECT number, toString(number) FROM numbers(300000)"
        with client.query_row_block_stream(sql) as blocks:
            sizes, total = [], 0
            for block in blocks:
                sizes.append(len(block))
                total += sum(number for number, text in block if text == str(number))
    assert (sum(sizes), total) == (300_000, sum(range(300_000)))
    assert len(sizes) > 1


def test_a_command_gives_its_one_value(clickhouse: ClickHouseClient) -> None:
    with clickhouse.connected() as client:
        assert client.command("SELECT 'five'") == "five"
        assert client.command("EXISTS TABLE otel.otel_traces") == 1
        assert client.command("EXISTS TABLE otel.nothing") == 0
        assert "ENGINE = MergeTree" in client.command("SHOW CREATE TABLE otel.otel_logs")
        assert "otel_traces\n" in client.command("SHOW TABLES FROM otel")


def test_statements_about_tables_are_queries_too(clickhouse: ClickHouseClient) -> None:
    with clickhouse.connected() as client:
        described = client.query("DESCRIBE TABLE otel.otel_logs").result_rows
        assert described[0][:2] == ("Timestamp", "DateTime64(9)")
        assert ("otel",) in client.query("SHOW DATABASES").result_rows
        assert "ReadFromSystemOne" in str(client.query("EXPLAIN SELECT 1").result_rows)
        assert client.query("SELECT Body FROM otel.otel_logs WHERE 0").result_rows == []


@cases(
    ("form", "expected"),
    [
        ("JSONEachRow", b'{"a":1,"b":"x"}\n'),
        ("CSV", b'1,"x"\n'),
        ("TabSeparatedWithNames", b"a\tb\n1\tx\n"),
        ("Values", b"(1,'x')"),
    ],
)
def test_a_format_is_named_in_the_statement_or_beside_it(
    clickhouse: ClickHouseClient, form: str, expected: bytes
) -> None:
    with clickhouse.connected() as client:
        assert client.raw_query("SELECT 1 AS a, 'x' AS b", fmt=form) == expected
        assert client.raw_query(f"SELECT 1 AS a, 'x' AS b FORMAT {form}") == expected


@cases("form", ["Nonsense", "ArrowTable", "dataframe", "DataStore"])
def test_a_format_that_is_none_is_refused(clickhouse: ClickHouseClient, form: str) -> None:
    for answer in (
        clickhouse.send("SELECT 1", default_format=form),
        clickhouse.send(f"SELECT 1 FORMAT {form}"),
    ):
        assert (answer.status_code, endpoints.code(answer)) == (404, 73)


@cases(
    ("sql", "code"),
    [
        ("SELECT nothing", 47),
        ("SELECT * FROM otel.nothing", 60),
        ("SELECT * FROM nothing.nothing", 81),
        ("SELECT nonsense(1)", 46),
        ("SELEKT 1", 62),
        ("SELECT throwIf(1)", 395),
        ("SELECT toUInt8('x')", 6),
        ("INSERT INTO otel.otel_logs (Body) SELECT 'x'", 164),
        ("CREATE TABLE otel.mine (a Int8) ENGINE = Memory", 164),
    ],
)
def test_errors_are_exceptions_with_their_code(
    clickhouse: ClickHouseClient, sql: str, code: int
) -> None:
    with clickhouse.connected() as client, pytest.raises(DatabaseError, match=rf"code: {code},"):
        client.query(sql)


def test_a_reader_learns_what_would_let_it_write(clickhouse: ClickHouseClient) -> None:
    with (
        clickhouse.connected() as client,
        pytest.raises(DatabaseError, match=r"code: 164.*the token"),
    ):
        client.insert("otel.otel_logs", [["x"]], column_names=["Body"])
    assert clickhouse.value("SELECT count() FROM otel.otel_logs WHERE Body = 'x'") == 0


def test_moments_are_those_of_utc(clickhouse: ClickHouseClient) -> None:
    with clickhouse.connected() as client:
        assert client.server_tz == UTC
        sql = "SELECT timezone(), now(), toDateTime(0), toString(toDateTime(86399))"
        [(zone, now, zero, text)] = client.query(sql).result_rows
    assert (zone, zero, text) == ("UTC", datetime(1970, 1, 1), "1970-01-01 23:59:59")  # noqa: DTZ001
    assert abs(now.replace(tzinfo=UTC) - datetime.now(UTC)) < timedelta(hours=1)


def test_names_are_looked_up_in_the_database_asked_for(clickhouse: ClickHouseClient) -> None:
    with clickhouse.connected(database="otel") as client:
        assert client.query("SELECT currentDatabase()").result_rows == [("otel",)]
        assert client.query("SELECT count() FROM otel_logs WHERE 0").result_rows == [(0,)]
    with pytest.raises(DatabaseError, match="code: 81"):
        clickhouse.connected(database="`nothing` ' \\").query("SELECT 1")
