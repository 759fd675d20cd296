"""Requests as Java's clients send them by default (client-v2 and clickhouse-jdbc 0.9.2)."""

import json

from tests.cases import cases
from tests.observatory.clickhouse_client import TOKEN, ClickHouseClient, basic, code
from tests.observatory.messages import fresh
from tests.observatory.native_frames import frame, opened

HEADERS = {
    "Content-Type": "text/plain",
    "X-ClickHouse-Format": "RowBinaryWithNamesAndTypes",
    "X-ClickHouse-Database": "default",
    "Accept-Encoding": "gzip, x-gzip, deflate",
    **basic(TOKEN),
}
ROWS = b'{"a":1}\n{"a":2,"b":"x"}\n'


@cases("packed", [False, True])
def test_what_they_insert_is_there_and_comes_back_in_lz4_frames(
    clickhouse: ClickHouseClient, packed: bool
) -> None:
    table = f"default.t{fresh()}"
    clickhouse.execute(f"CREATE TABLE {table} (a Int64, b String DEFAULT 'd') ENGINE = Memory")
    insert = {"query": f"INSERT INTO {table} FORMAT JSONEachRow", "compress": "1"}
    insert |= {"decompress": "1"} if packed else {}
    answer = clickhouse.send(frame(ROWS) if packed else ROWS, HEADERS, **insert)
    assert (answer.status_code, answer.content) == (200, b"")
    assert json.loads(answer.headers["x-clickhouse-summary"])["written_rows"] == "2"

    select = {"compress": "1", "wait_end_of_query": "1", "query_id": "my-id-1"}
    answer = clickhouse.send(f"SELECT a, b FROM {table} ORDER BY a", HEADERS, **select)
    assert answer.content[16] == 0x82  # the method: LZ4
    head = b"\x02\x01a\x01b\x05Int64\x06String"
    rows = (b"\x01" + b"\0" * 7 + b"\x01d") + (b"\x02" + b"\0" * 7 + b"\x01x")
    assert opened(answer.content) == head + rows
    assert json.loads(answer.headers["x-clickhouse-summary"])["result_rows"] == "2"
    assert answer.headers["x-clickhouse-query-id"] == "my-id-1"


def test_an_error_has_the_engine_s_code_and_the_client_s_id(clickhouse: ClickHouseClient) -> None:
    answer = clickhouse.send("SELECT * FROM nope", HEADERS, compress="1", query_id="my-id-2")
    assert (answer.status_code, code(answer)) == (404, 60)
    assert answer.headers["x-clickhouse-query-id"] == "my-id-2"
    assert b"UNKNOWN_TABLE" in opened(answer.content)


def test_a_driver_without_a_password_may_read(clickhouse: ClickHouseClient) -> None:
    assert clickhouse.send("SELECT 1", basic("null"), extremes="0", async_insert="0").text == "1\n"


@cases("encoding", ["lz4", "gzip", "zstd"])
def test_answers_are_packed_by_http_where_asked(
    clickhouse: ClickHouseClient, encoding: str
) -> None:
    headers = {"Accept-Encoding": encoding}
    answer = clickhouse.send("SELECT 1", headers, enable_http_compression="1")
    assert answer.headers["content-encoding"] == encoding
