"""What was acknowledged is there: after a kill, after a stop, and after the disk failed."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import time_ns

import pytest

from observatory.intake import logs
from observatory.store.engine import Engine, EngineError
from tests.observatory.messages import HOUR, TABLES, record, request, span
from tests.observatory.observatory_process import Observatory
from tests.observatory.otlp_client import http, over_grpc
from tests.observatory.telemetry_load import Load, loading, missing

pytestmark = pytest.mark.lasting

MESSAGES = 20
"""That are acknowledged until it ends, in the midst of the next ones."""
NOTHING: tuple[set[str], set[str]] = (set(), set())


def count(observatory: Observatory, table: str) -> int:
    return int(observatory.value(f"SELECT count() FROM {table}"))


def test_all_that_was_acknowledged_is_there_after_a_kill_and_after_stops(tmp_path: Path) -> None:
    loads: list[Load] = []
    for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT):
        with Observatory(tmp_path) as observatory, loading(observatory) as load:
            if loads:  # what the kill left under way would fill the disk, kill by kill
                assert not [path for path in tmp_path.rglob("*.native") if path.is_file()]
            load.reached(MESSAGES)
            metrics = request("metrics", [record("metrics", "again")])
            assert http(observatory, "metrics", metrics).code == 200
            if number is signal.SIGKILL:
                observatory.kill()
            else:
                assert observatory.stop(number) == 0
        loads.append(load)
    with Observatory(tmp_path) as observatory:
        assert [missing(observatory, load) for load in loads] == [NOTHING] * 3
        assert count(observatory, TABLES["metrics"]) == 3


@contextmanager
def failing(folder: Path) -> Iterator[None]:
    """The folder of a table is a file for a while: a disk that fails."""
    aside = folder.with_name(folder.name + " aside")
    folder.rename(aside)
    folder.write_bytes(b"")
    yield
    folder.unlink()
    aside.rename(folder)


@pytest.fixture
def broken(engine: Engine) -> Iterator[None]:
    """The logs' table can't be written."""
    where = engine.run("SELECT data_paths[1] FROM system.tables WHERE name = 'otel_logs'")
    with failing(Path(where.decode().strip())):
        yield


def test_an_insert_that_fails_on_disk_is_reported(engine: Engine, broken: None) -> None:
    row = tuple(column_default(column.type) for column in logs.LAYOUT.columns)
    with pytest.raises(EngineError):
        engine.insert(logs.LAYOUT.insert, [logs.LAYOUT.block([row])])


def column_default(kind: str) -> object:
    if kind == "String":
        return b"\0"
    return (0, b"", b"") if kind.startswith("Map") else time_ns() if "Date" in kind else 0


def test_a_disk_that_fails_is_reported_to_senders_and_very_many_hours_are_stored(
    tmp_path: Path,
) -> None:
    """Six hours are a partition, and the engine puts up with 100 of them in an insert."""
    hours = 700
    with Observatory(tmp_path, retention_hours=720) as observatory:
        paths = observatory.rows(
            "SELECT data_paths[1] AS path FROM system.tables WHERE name = 'otel_logs'"
        )
        message = request("logs", [record("logs", "kept")])
        with failing(Path(paths[0]["path"])):
            assert http(observatory, "logs", message).code == 503
            assert over_grpc(observatory, "logs", message).code == 14
        assert http(observatory, "logs", message).code == 200
        assert over_grpc(observatory, "logs", message).code == 0
        assert count(observatory, "otel.otel_logs") == 2
        now = time_ns()
        spans = [span("hourly", start_time_unix_nano=now - ago * HOUR) for ago in range(hours)]
        answer = http(observatory, "traces", request("traces", spans))
        assert (answer.code, answer.content.ListFields()) == (200, [])
        assert count(observatory, "otel.otel_traces") == hours
