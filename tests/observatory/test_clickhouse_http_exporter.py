"""The collector's ClickHouse exporter finds what it expects: its requests are recorded ones."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest

from observatory.store.schema import TABLES
from tests.cases import cases
from tests.observatory.clickhouse_client import ClickHouseClient
from tests.observatory.messages import fresh
from tests.observatory.native_frames import blocks, frames, opened
from tests.observatory.recorded_exporter import WAYS, Answer, Recorded, recording, replay, schema

HELLO, REVISION = "SELECT displayName(), version(), revision(), timezone()", 54460
STORED = {
    "otel_traces": 2,
    "otel_traces_trace_id_ts": 1,
    "otel_logs": 2,
    "otel_metrics_gauge": 2,
    "otel_metrics_sum": 2,
    "otel_metrics_histogram": 2,
}


@pytest.fixture
def collected(clickhouse: ClickHouseClient) -> Iterator[str]:
    """A database that the exporter makes, tables and all."""
    name = f"collected_{fresh()}"
    for answer in replay(clickhouse, [each.into(name) for each in schema()]):
        assert answer == Answer(200, b"")
    yield name
    clickhouse.execute(f"DROP DATABASE {name}")


def inserts(way: str, database: str) -> list[Recorded]:
    return [each.into(database) for each in recording(way) if each.data is not None]


def counts(clickhouse: ClickHouseClient, database: str) -> dict[str, int]:
    sql = f"SELECT name, total_rows FROM system.tables WHERE database = '{database}'"
    return {row["name"]: row["total_rows"] for row in clickhouse.rows(sql) if row["total_rows"]}


def content(request: Recorded, answer: Answer) -> bytes:
    return opened(answer.body) if request.query.get("compress") == "1" else answer.body


@cases("way", WAYS)
def test_a_hello_is_answered_in_the_version_it_speaks(
    clickhouse: ClickHouseClient, way: str
) -> None:
    hello = next(each for each in recording(way) if each.sql == HELLO)
    [answer] = replay(clickhouse, [hello])

    assert answer.status == 200
    [[row]] = blocks(content(hello, answer), REVISION)
    version = clickhouse.value("SELECT version()")
    assert list(row) == ["displayName()", "version()", "revision()", "timezone()"]
    assert list(row.values()) == ["observatory", version, 0, "UTC"]


@cases(("protocol", "revision"), [(54453, 54453), (54454, 54454), (1, 1)])
def test_a_hello_fits_other_versions_too(
    clickhouse: ClickHouseClient, protocol: int, revision: int
) -> None:
    answer = clickhouse.send(HELLO, client_protocol_version=str(protocol))
    [[row]] = blocks(answer.content, revision)
    assert row["revision()"] == 0


@cases("password", ["", "the token"])
def test_a_hello_needs_no_token_but_no_wrong_one(
    clickhouse: ClickHouseClient, password: str
) -> None:
    hello = next(each for each in recording("none") if each.sql == HELLO)
    [answer] = replay(clickhouse, [hello], password)
    assert answer.status == (403 if password else 200)


@pytest.mark.lasting
@pytest.mark.parametrize("way", WAYS)
def test_a_whole_session_is_stored(clickhouse: ClickHouseClient, collected: str, way: str) -> None:
    session = [each.into(collected) for each in recording(way)]
    answers = replay(clickhouse, session)

    assert {answer.status for answer in answers} == {200}
    verbs = Counter(each.verb for each in session)
    assert verbs["INSERT"] == 5
    for request, answer in zip(session, answers, strict=True):
        if request.verb in ("INSERT", "CREATE"):
            assert answer.body == b""
    assert counts(clickhouse, collected) == STORED


def test_values_are_those_that_were_sent(clickhouse: ClickHouseClient, collected: str) -> None:
    replay(clickhouse, inserts("lz4", collected))
    child, root = clickhouse.rows(f"SELECT * FROM {collected}.otel_traces ORDER BY SpanName")

    assert root["SpanAttributes"] == {
        "arr": '["a\\u003cb","c"]', "b": "true", "big": "1e+21", "by": "AP8=", "f": "1", "i": "5",
    }  # fmt: skip
    assert (root["SpanKind"], root["StatusCode"], root["StatusMessage"]) == (
        "Server", "Error", "bad",
    )  # fmt: skip
    assert root["Events.Name"] == ["exception"]
    assert root["Events.Attributes"] == [{"exception.message": "boom", "x": "3"}]
    assert child["ParentSpanId"] == root["SpanId"]
    assert child["Links.SpanId"] == [root["SpanId"]]
    assert child["ResourceAttributes"].items() >= {"service.name": "demo", "n": "7"}.items()
    bodies = clickhouse.rows(
        f"SELECT Body, EventName FROM {collected}.otel_logs ORDER BY Timestamp"
    )
    assert [row["Body"] for row in bodies] == ["hello", '{"a":[1,null,2.5],"z":"\\u003cx\\u003e"}']
    assert {row["EventName"] for row in bodies} == {"my.event"}
    assert clickhouse.value(f"SELECT sum(Value) FROM {collected}.otel_metrics_sum") == 6


@pytest.mark.parametrize("size", [1, 100, 65536])
def test_a_block_may_come_in_many_frames(
    clickhouse: ClickHouseClient, collected: str, size: int
) -> None:
    plain, packed = inserts("none", collected), inserts("lz4", collected)
    in_frames = [
        replace(
            each, query=packed[0].query | {"query": each.sql}, data=frames(each.data or b"", size)
        )
        for each in plain
    ]
    assert {answer.status for answer in replay(clickhouse, in_frames)} == {200}
    assert counts(clickhouse, collected) == STORED


@pytest.mark.lasting
@cases("way", WAYS)
def test_our_tables_are_such_as_it_makes(clickhouse: ClickHouseClient, way: str) -> None:
    """CREATE … IF NOT EXISTS leaves them be, and DESCRIBE names every column that it inserts."""
    made = "SELECT name, create_table_query FROM system.tables WHERE database = 'otel' ORDER BY 1"
    before = clickhouse.rows(made)
    assert {answer.status for answer in replay(clickhouse, schema())} == {200}
    assert clickhouse.rows(made) == before
    assert {row["name"] for row in before} >= set(TABLES)

    describing = [each for each in recording(way) if each.verb in ("DESC", "DESCRIBE")]
    columns = {}
    for request, answer in zip(describing, replay(clickhouse, describing), strict=True):
        table = request.sql.rpartition(".")[2]
        columns[table] = [row for block in blocks(content(request, answer)) for row in block]
    for insert in inserts(way, "otel"):
        table, _, names = insert.sql.partition("(")
        described = columns[table.strip().rpartition(".")[2]]
        assert {len(row) for row in described} == {7}
        wanted = {name.strip(' `"\n') for name in names.partition(")")[0].split(",")}
        assert wanted <= {row["name"] for row in described}


def test_no_rows_are_an_empty_body(clickhouse: ClickHouseClient) -> None:
    assert clickhouse.send("SELECT 1 WHERE 0", default_format="Native").content == b""


@cases("password", ["", "not the token"])
@cases("way", WAYS)
def test_what_it_may_not_is_explained_in_plain_text(
    clickhouse: ClickHouseClient, way: str, password: str
) -> None:
    """Answers to compress=1 are always unpacked, errors too."""
    insert = inserts(way, "otel")[0]
    [answer] = replay(clickhouse, [insert], password)
    assert answer.status == 403
    assert b"the token" in content(insert, answer)


@cases("way", WAYS)
def test_what_it_inserts_in_vain_is_explained_in_plain_text(
    clickhouse: ClickHouseClient, way: str
) -> None:
    describe = next(each for each in recording(way) if each.verb == "DESCRIBE")
    for request in (inserts(way, "nothing")[0], describe.into("nothing")):
        [answer] = replay(clickhouse, [request])
        assert answer.status == 404
        assert b"UNKNOWN_DATABASE" in content(request, answer)
