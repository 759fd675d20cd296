"""What the token may do: anything within the database, and nothing outside of it."""

from pathlib import Path

import pytest

from tests.observatory.clickhouse_client import ClickHouseClient, code
from tests.observatory.messages import fresh

ENGINE = "ENGINE = MergeTree ORDER BY a"
OUTSIDE = [
    "SELECT * FROM file('{file}', 'LineAsString')",
    "SELECT * APPLY(file) FROM (SELECT '{file}')",
    "SELECT file('{file}')",
    "SELECT * FROM url('{url}', 'LineAsString')",
    "SELECT * FROM s3('{url}', 'CSV')",
    "SELECT * FROM remote('127.0.0.1', 'system', 'one')",
    "SELECT * FROM sqlite('{file}', 't')",
    "SELECT 1 INTO OUTFILE '{file}.out'",
    "EXISTS default.`{file}`",
    "DESCRIBE file('{file}')",
    "INSERT INTO default.safe SELECT length(line) FROM file('{file}', 'LineAsString')",
    "INSERT INTO default.safe FROM INFILE '{file}' FORMAT CSV",
    "INSERT INTO default.safe VALUES (length(file('{file}')))",
    "INSERT INTO default.safe (a) VALUES ((SELECT count() FROM url('{url}', 'LineAsString')))",
    "INSERT INTO FUNCTION file('{file}.out', 'CSV') SELECT 1",
    "INSERT INTO FUNCTION url('{url}', 'CSV') SELECT 1",
    "INSERT INTO TABLE FUNCTION file('{file}.out', 'CSV', 'a Int8') VALUES (1)",
    "CREATE TABLE default.x (line String) ENGINE = File(LineAsString, '{file}')",
    "CREATE TABLE default.x (line String) ENGINE = URL('{url}', LineAsString)",
    "CREATE TABLE default.x (a Int8) ENGINE = SQLite('{file}', 't')",
    "CREATE TABLE default.x (a Int8) ENGINE = TinyLog",
    "CREATE TABLE default.x AS file('{file}', 'CSV')",
    "CREATE TABLE default.x ENGINE = MergeTree ORDER BY 1 AS SELECT * FROM file('{file}', 'CSV')",
    "CREATE TABLE default.x (a Int8) {engine} SETTINGS disk = disk(type = 'local', path = '/tmp/')",
    "CREATE TABLE default.x (a Int8, b String DEFAULT file('{file}')) {engine}",
    "CREATE VIEW default.x AS SELECT * FROM file('{file}', 'LineAsString')",
    "CREATE MATERIALIZED VIEW default.x ENGINE = URL('{url}', CSV) AS SELECT a FROM default.safe",
    "CREATE FUNCTION f_{name} AS (a) -> file(a)",
    "CREATE DICTIONARY default.x (a Int64) PRIMARY KEY a SOURCE(FILE(PATH '{file}' FORMAT 'CSV')) "
    "LIFETIME(1) LAYOUT(FLAT)",
    "CREATE DATABASE d_{name} ENGINE = Filesystem('/')",
    "CREATE NAMED COLLECTION c_{name} AS url = '{url}'",
    "ALTER TABLE default.safe ADD COLUMN b String DEFAULT file('{file}')",
    "ALTER TABLE default.safe MODIFY SETTING disk = 'x'",
    "ALTER TABLE default.safe UPDATE a = length(file('{file}')) WHERE 1",
    "ALTER TABLE default.safe DETACH PARTITION tuple()",
    "ALTER TABLE default.safe FREEZE",
    "BACKUP TABLE default.safe TO File('{file}.out')",
    "ATTACH TABLE default.x FROM '/tmp' (a Int8) {engine}",
    "SYSTEM RELOAD CONFIG",
]


@pytest.fixture
def safe(clickhouse: ClickHouseClient) -> str:
    """A table that must stay as it is."""
    clickhouse.execute("DROP TABLE IF EXISTS default.safe")
    clickhouse.execute(f"CREATE TABLE default.safe (a Int64) {ENGINE}")
    return "default.safe"


@pytest.mark.parametrize("sql", OUTSIDE)
def test_what_reaches_outside_is_refused(
    clickhouse: ClickHouseClient, safe: str, sql: str, tmp_path: Path
) -> None:
    file = tmp_path / "secret"
    file.write_text("1\n")
    given = sql.format(
        file=file, url="http://127.0.0.1:9/x", engine=ENGINE, name=fresh().replace("-", "")
    )
    answer = clickhouse.send_authorized(given)
    assert (answer.status_code, code(answer)) == (403, 164), answer.text
    assert list(tmp_path.iterdir()) == [file]
    assert clickhouse.value(f"SELECT count() FROM {safe}") == 0


WITHIN = [
    "CREATE DATABASE IF NOT EXISTS d_{name} ENGINE = Atomic",
    "CREATE TABLE d_{name}.t (a Int64 CODEC(Delta, ZSTD(1)), "
    "m Map(LowCardinality(String), String), INDEX i a TYPE minmax GRANULARITY 1) {engine} "
    "TTL toDateTime(a) + toIntervalDay(3) "
    "SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1",
    "INSERT INTO d_{name}.t (a) VALUES (toInt64(now())), (1 + 1)",
    "INSERT INTO d_{name}.t (a) SETTINGS async_insert = 1, wait_for_async_insert = 1 VALUES (5)",
    "CREATE MATERIALIZED VIEW d_{name}.v {engine} AS SELECT a FROM d_{name}.t",
    "INSERT INTO d_{name}.t (a) SELECT number FROM numbers(3)",
    "ALTER TABLE d_{name}.t ADD COLUMN b String DEFAULT 'file'",
    "CREATE OR REPLACE FUNCTION f_{name} AS (a) -> a + 1",
    "SELECT f_{name}(max(a)) FROM d_{name}.t SETTINGS max_threads = 1",
    "OPTIMIZE TABLE d_{name}.t FINAL",
    "DROP FUNCTION f_{name}",
    "DROP DATABASE d_{name}",
]


def test_what_stays_within_is_done(clickhouse: ClickHouseClient) -> None:
    name = fresh().replace("-", "")
    for sql in WITHIN:
        clickhouse.execute(sql.format(engine=ENGINE, name=name))
