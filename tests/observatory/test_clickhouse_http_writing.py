"""clickhouse-connect writes with the token: packed or not, all bytes, many rows, or none at all."""

from collections.abc import Iterator
from typing import Any

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from tests.cases import cases
from tests.observatory.clickhouse_client import TOKEN, ClickHouseClient, code
from tests.observatory.messages import fresh

PACKED: list[dict[str, Any]] = [{}, {"compress": False}, {"compress": "lz4"}, {"compress": "gzip"}]
MANY = 300_000


@pytest.fixture
def table(clickhouse: ClickHouseClient) -> Iterator[str]:
    """A table of the test's own."""
    name = f"default.t{fresh()}"
    clickhouse.execute(
        f"CREATE TABLE {name} (number Int64, text String) ENGINE = MergeTree ORDER BY number"
    )
    yield name
    clickhouse.execute(f"DROP TABLE {name}")


def counted(clickhouse: ClickHouseClient, table: str) -> dict[str, int]:
    [row] = clickhouse.rows(f"SELECT count() AS rows, sum(number) AS total FROM {table}")
    return row


@pytest.mark.parametrize("packed", PACKED)
def test_values_of_all_bytes_are_stored(
    clickhouse: ClickHouseClient, table: str, packed: dict[str, Any]
) -> None:
    given = [
        (0, bytes(range(256))),
        (1, bytes(range(256)) * 4096),
        (2, b""),
        (3, b"\0"),
        (4, b"INSERT INTO x FORMAT Native\n"),
    ]
    with clickhouse.connected(password=TOKEN, **packed) as client:
        client.insert(table, given, ["number", "text"])
        sql = f"SELECT * FROM {table} ORDER BY number"
        assert client.query(sql, query_formats={"String": "bytes"}).result_rows == given
        zeros = client.query(f"SELECT countSubstrings(text, '\\0') FROM {table} ORDER BY number")
    assert [count for (count,) in zeros.result_rows] == [1, 4096, 0, 1, 0]


@pytest.mark.parametrize("packed", PACKED)
def test_300_000_rows_are_stored(
    clickhouse: ClickHouseClient, table: str, packed: dict[str, Any]
) -> None:
    with clickhouse.connected(password=TOKEN, **packed) as client:
        columns = [range(MANY), [f"row {number}" for number in range(MANY)]]
        client.insert(table, columns, ["number", "text"], column_oriented=True)
    assert counted(clickhouse, table) == {"rows": MANY, "total": sum(range(MANY))}


def test_what_comes_in_other_ways_is_stored(clickhouse: ClickHouseClient, table: str) -> None:
    with clickhouse.connected(password=TOKEN) as client:
        client.command(f"INSERT INTO {table} VALUES (1, 'it''s'), (2, '\\n; DROP')")
        client.command(f"INSERT INTO {table} (number) SELECT number + 3 FROM numbers(2)")
        client.command(f"WITH 5 AS five INSERT INTO {table} (number) SELECT five")
        client.command(
            f"INSERT INTO {table} (number, text) SELECT {{a:Int64}}, {{b:String}}",
            {"a": 6, "b": "\t'\\"},
        )
        seen = client.query(f"SELECT * FROM {table} ORDER BY number").result_rows
    assert seen == [(1, "it's"), (2, "\n; DROP"), (3, ""), (4, ""), (5, ""), (6, "\t'\\")]


def test_an_insert_of_nothing_is_nothing(clickhouse: ClickHouseClient, table: str) -> None:
    clickhouse.execute("", query=f"INSERT INTO {table} (number) FORMAT Native")
    with clickhouse.connected(password=TOKEN) as client:
        client.insert(table, [], ["number", "text"])
    assert counted(clickhouse, table)["rows"] == 0


FORMATS = {
    "CSV": b'1,"one"\n2,two\n',
    "TabSeparated": b"1\tone\n2\ttwo\n",
    "JSONEachRow": b'{"number": 1, "text": "one"}\n{"text": "two", "number": "2"}\n',
    "RowBinary": b"".join(
        n.to_bytes(8, "little") + b"\x03" + w for n, w in ((1, b"one"), (2, b"two"))
    ),
    "Values": b"(1, 'one'), (1 + 1, lower('TWO'))",
}


@pytest.mark.parametrize("form", FORMATS)
def test_rows_in_every_format_of_the_engine_are_stored(
    clickhouse: ClickHouseClient, table: str, form: str
) -> None:
    insert = f"INSERT INTO {table} (number, text) FORMAT {form}"
    clickhouse.execute(FORMATS[form], query=insert)
    clickhouse.execute(f"{insert}\n".encode() + FORMATS[form])
    seen = clickhouse.rows(
        f"SELECT number, text, count() AS rows FROM {table} GROUP BY ALL ORDER BY 1"
    )
    assert seen == [
        {"number": 1, "text": "one", "rows": 2},
        {"number": 2, "text": "two", "rows": 2},
    ]


@pytest.mark.parametrize(
    ("form", "rows", "expected"),
    [
        ("JSONEachRow", b'{"number": 1}\n{"number": "no"}\n', 27),
        ("CSV", b"1,a\nx,b\n", 27),
        ("Nonsense", b"1\n", 73),
        ("Values", b"(1, file('/etc/hostname'))", 164),
        ("Values", b"(1, " + b"x" * 300_000 + b")", 62),
    ],
)
def test_rows_that_are_none_store_nothing(
    clickhouse: ClickHouseClient, table: str, form: str, rows: bytes, expected: int
) -> None:
    answer = clickhouse.send_authorized(
        rows, query=f"INSERT INTO {table} (number, text) FORMAT {form}"
    )
    assert answer.status_code in (400, 403, 404)
    assert expected in (code(answer), 62)
    assert counted(clickhouse, table)["rows"] == 0


@cases(
    ("sql", "expected"),
    [
        ("INSERT INTO default.nothing VALUES (1)", 60),
        ("INSERT INTO otel.otel_logs (Nothing) VALUES (1)", 16),
        ("CREATE TABLE otel.otel_logs (a Int8) ENGINE = Memory", 57),
        ("DROP TABLE default.nothing", 60),
    ],
)
def test_errors_of_a_writer_are_reported(
    clickhouse: ClickHouseClient, sql: str, expected: int
) -> None:
    with (
        clickhouse.connected(password=TOKEN) as client,
        pytest.raises(DatabaseError, match=rf"code: {expected},"),
    ):
        client.command(sql)


@pytest.mark.parametrize(
    "block",
    [
        b"\x01",
        b"\x01\x01\x06number\x05Int64",
        b"\x01\x01\x06number\x05Int64" + b"\0" * 7,
        b"\x01\x01\x06number\x06String\x03abc",
        b"\xff" * 100,
        b"1\t2\n",
    ],
)
def test_a_block_that_is_none_stores_nothing(
    clickhouse: ClickHouseClient, table: str, block: bytes
) -> None:
    good = b"\x01\x01\x06number\x05Int64" + b"\x01" + b"\0" * 7
    answer = clickhouse.send_authorized(
        good + block, query=f"INSERT INTO {table} (number) FORMAT Native"
    )

    assert answer.status_code >= 400
    assert code(answer) > 0
    assert counted(clickhouse, table)["rows"] == 0


def test_the_error_of_a_bad_row_names_no_file(clickhouse: ClickHouseClient, table: str) -> None:
    answer = clickhouse.send_authorized(
        b'{"number": "x"}', query=f"INSERT INTO {table} (number) FORMAT JSONEachRow"
    )
    assert code(answer) > 0
    assert "incoming" not in answer.text
    assert ".rows" not in answer.text
