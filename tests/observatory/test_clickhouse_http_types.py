"""Every column type of our tables makes the round trip over Native."""

from time import time_ns
from typing import Any

from observatory.store.schema import TABLES
from tests.cases import cases
from tests.observatory.clickhouse_client import TOKEN, ClickHouseClient
from tests.observatory.messages import fresh

NOW = time_ns()
EVERY_BYTE = bytes(range(256))
VALUES: dict[str, tuple[Any, Any]] = {
    "String": (EVERY_BYTE, b""),
    "LowCardinality(String)": ("ä€😀 '\\\t\n", ""),
    "Map(LowCardinality(String), String)": ({"a'b": b"\\\0", "": b""}, {}),
    "DateTime64(9)": (NOW, 1),
    "DateTime": (NOW // 10**9, NOW // 10**9 - 3600),
    "UInt64": (2**64 - 1, 0),
    "UInt32": (2**32 - 1, 0),
    "UInt8": (255, 0),
    "Int32": (-(2**31), 2**31 - 1),
    "Float64": (-5e-324, 1.7976931348623157e308),
    "Bool": (True, False),
}
"""For each type two values, in the form that is queried below."""
AS_THEY_ARE = {"String": "bytes", "DateTime64": "int", "DateTime": "int"}
KEYS = {"otel_traces_trace_id_ts": "TraceId"}


def values(sort: str) -> Any:
    """Two values of a type; of an array they are its items."""
    inner = sort.removeprefix("Array(")
    if inner == sort:
        return VALUES[sort][0]
    return list(VALUES[inner.removesuffix(")")])


@cases("table", TABLES)
def test_a_row_of_every_table_goes_in_and_comes_back(
    clickhouse: ClickHouseClient, table: str
) -> None:
    key, mine = KEYS.get(table, "ServiceName"), fresh()
    with clickhouse.connected(database="otel", password=TOKEN) as client:
        types = {row[0]: row[1] for row in client.query(f"DESCRIBE {table}").result_rows}
        row = {name: values(sort) for name, sort in types.items()} | {key: mine}
        client.insert(
            table,
            [list(row.values())],
            list(row),
            column_type_names=list(types.values()),
        )
        seen = client.query(
            f"SELECT * FROM {table} WHERE {key} = {{mine:String}}",
            {"mine": mine},
            query_formats=AS_THEY_ARE,
        )
    [found] = seen.named_results()
    expected = row | {key: mine if types[key] != "String" else mine.encode()}
    assert _plain(found) == _plain(expected)
    assert [each.name for each in seen.column_types] == list(types.values())


def _plain(of: Any) -> Any:
    """Bytes for text: which of both a map's keys and values are is the client's affair."""
    match of:
        case str():
            return of.encode()
        case dict():
            return {_plain(key): _plain(each) for key, each in of.items()}
        case list() | tuple():
            return [_plain(each) for each in of]
        case _:
            return of
