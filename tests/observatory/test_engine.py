"""The engine's process: killed for what can't be interrupted, and there again for all others."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from observatory.query.reader import Limits, Reader
from observatory.store.engine import Engine, EngineError

ONE_CALL = [
    "SELECT editDistance(repeat('a', 65000), repeat('b', 65000))",
    "SELECT sum(editDistance(materialize(repeat('a', 30000)), repeat('b', 30000))) "
    "FROM numbers(2000)",
]
MEMORY = 512 << 20


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Engine]:
    """An engine that may be killed."""
    engine = Engine(tmp_path, MEMORY)
    engine.run("CREATE TABLE default.t (a Int64) ENGINE = MergeTree ORDER BY a")
    yield engine
    engine.close()


@pytest.mark.parametrize("sql", ONE_CALL)
@pytest.mark.lasting
def test_a_query_that_can_not_be_interrupted_is_killed(alone: Engine, sql: str) -> None:
    reader, patient = (Reader(alone, Limits(each, MEMORY, 0), concurrency=2) for each in (0.5, 60))
    alone.run("INSERT INTO default.t VALUES (1)")
    with pytest.raises(EngineError, match=r"Code: 159\..*killed"):
        reader.query(sql, "TSV", database="default")
    assert patient.query("SELECT a FROM default.t", "TSV", database="default") == b"1\n"


@pytest.mark.lasting
def test_what_others_ask_and_insert_meanwhile_is_done(alone: Engine) -> None:
    bad, good = (Reader(alone, Limits(seconds, MEMORY, 0)) for seconds in (0.5, 60))
    rows = b"\x01\x01\x01a\x05Int64" + b"\x01" + b"\0" * 7
    with ThreadPoolExecutor() as pool:
        killed = [pool.submit(bad.query, ONE_CALL[1], "TSV", None, "default") for _ in range(3)]
        asked = [pool.submit(good.query, "SELECT sleep(3)", "TSV", None, "default")]
        while not all(each.done() for each in killed):
            alone.insert("INSERT INTO default.t (a)", [rows])
        assert [each.result(60) for each in asked] == [b"0\n"]
        assert all(isinstance(each.exception(60), EngineError) for each in killed)
    assert int(alone.run("SELECT count() FROM default.t")) > 0


def test_in_the_default_database_there_are_tables_only(tmp_path: Path) -> None:
    for start in range(3):
        engine = Engine(tmp_path, MEMORY)
        try:
            for name in ("pyproject.toml", "Makefile", "/etc/passwd"):
                assert engine.run(f"EXISTS default.`{name}`") == b"0\n"
            if start:
                assert engine.run("SELECT count() FROM default.t") == f"{start}\n".encode()
            engine.run(
                "CREATE TABLE IF NOT EXISTS default.t (a Int8) ENGINE = MergeTree ORDER BY a"
            )
            engine.run("INSERT INTO default.t VALUES (1)")
        finally:
            engine.close()
