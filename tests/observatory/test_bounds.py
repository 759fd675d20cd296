"""Retention by age and by the disk limit: old data is deleted, new data stays."""

import os
from collections.abc import Iterator
from pathlib import Path
from time import time_ns

import pytest

from observatory.intake.receiver import LAYOUTS, LOGS, METRICS, SIGNALS, TRACES, Signal
from observatory.intake.row_blocks import Decoded
from observatory.intake.time_window import Window
from observatory.store.engine import Engine
from observatory.store.retention import DiskLimiter
from observatory.store.schema import TABLES as ALL_TABLES
from tests.observatory.conftest import RETENTION_HOURS
from tests.observatory.messages import HOUR, TABLES, record, request
from tests.observatory.observatory_process import Observatory
from tests.observatory.otlp_client import http
from tests.waiting import until

pytestmark = pytest.mark.lasting

TIME = {"traces": "start_time_unix_nano", "logs": "time_unix_nano", "metrics": "time_unix_nano"}
MEGABYTE = 1 << 20


@pytest.fixture
def empty(engine: Engine) -> Iterator[Engine]:
    """The engine with nothing in it."""
    for table in ALL_TABLES:
        engine.run(f"TRUNCATE TABLE otel.{table}")
    yield engine
    for table in ALL_TABLES:
        engine.run(f"TRUNCATE TABLE otel.{table}")


def store(engine: Engine, signal: Signal, hours: float, count: int = 1, size: int = 0) -> None:
    """Records of so many hours ago with attributes that can't be packed, whatever the window."""
    time = time_ns() - int(hours * HOUR)
    records = []
    for _ in range(count):
        each = record(signal.name, f"{hours:g}", **{TIME[signal.name]: time})
        point = each.gauge.data_points[0] if signal is METRICS else each
        point.attributes.add(key="noise").value.bytes_value = os.urandom(size)
        records.append(each)
    message = signal.message.FromString(request(signal.name, records).SerializeToString())
    decoded = Decoded()
    signal.decode(message, Window(0, 2**63 - 1), decoded)
    decoded.finish()
    for layout, blocks in decoded.blocks.items():
        engine.insert(layout.insert, blocks)


def hours_kept(engine: Engine, signal: Signal) -> set[str]:
    name = {"traces": "SpanName", "logs": "Body", "metrics": "MetricName"}[signal.name]
    printed = engine.run(f"SELECT DISTINCT {name} FROM {TABLES[signal.name]}")
    return set(printed.decode().split())


def parts(engine: Engine) -> set[Path]:
    """The folders of all parts that hold rows."""
    paths = engine.run("SELECT path FROM system.parts WHERE active AND database = 'otel'")
    return set(map(Path, paths.decode().splitlines()))


@pytest.mark.parametrize("signal", SIGNALS, ids=lambda signal: signal.name)
def test_what_is_older_than_the_retention_goes(empty: Engine, signal: Signal) -> None:
    # A part has the rows of six hours, and is deleted when all of them are old.
    for hours in (RETENTION_HOURS + 30, RETENTION_HOURS + 8, RETENTION_HOURS - 2, 0):
        store(empty, signal, hours)
    empty.run(f"OPTIMIZE TABLE {TABLES[signal.name]} FINAL")
    until(lambda: hours_kept(empty, signal) == {f"{RETENTION_HOURS - 2}", "0"})


def test_when_a_trace_lasted_is_kept_as_long_as_its_spans(empty: Engine) -> None:
    for hours in (RETENTION_HOURS + 8, RETENTION_HOURS - 2):
        store(empty, TRACES, hours)
    empty.run("OPTIMIZE TABLE otel.otel_traces_trace_id_ts FINAL")
    until(lambda: empty.run("SELECT count() FROM otel.otel_traces_trace_id_ts") == b"1\n")


def test_another_retention_holds_from_the_next_start(tmp_path: Path) -> None:
    def kept(observatory: Observatory) -> list[int]:
        return [
            observatory.value(f"SELECT count() FROM {table}") for table in sorted(TABLES.values())
        ]

    with Observatory(tmp_path, retention_hours=72) as observatory:
        for signal in TABLES:
            times = (time_ns() - 30 * HOUR, time_ns())
            records = [record(signal, "aged", **{TIME[signal]: time}) for time in times]
            http(observatory, signal, request(signal, records))
        assert kept(observatory) == [2, 2, 2]
        observatory.stop()
    with Observatory(tmp_path, retention_hours=24) as observatory:
        until(lambda: kept(observatory) == [1, 1, 1])
        late = record("logs", "late", time_unix_nano=time_ns() - 30 * HOUR)
        answer = http(observatory, "logs", request("logs", [late]))
        assert answer.content.partial_success.rejected_log_records == 1


def test_below_the_bound_nothing_goes(empty: Engine) -> None:
    store(empty, TRACES, 1, 100, 1000)
    limiter = DiskLimiter(empty, 10 * MEGABYTE)
    assert limiter.trim() == 0
    assert hours_kept(empty, TRACES) == {"1"}


def test_beyond_the_bound_the_oldest_goes_first_of_all_signals(empty: Engine) -> None:
    for hours in (24, 0, 60, 36, 12, 48):
        for signal in (TRACES, LOGS):
            store(empty, signal, hours, 100, 3000)
    limiter = DiskLimiter(empty, 2 * MEGABYTE)
    assert limiter.size() > 2 * MEGABYTE
    assert limiter.trim() > 0
    assert MEGABYTE < limiter.size() <= 2 * MEGABYTE
    for signal in (TRACES, LOGS):
        kept = hours_kept(empty, signal)
        assert "0" in kept
        assert kept == {f"{hours}" for hours in range(0, 12 * len(kept), 12)}


def test_beyond_the_bound_within_a_few_hours_the_newest_stays(empty: Engine) -> None:
    """Merges make one part of many inserts: to drop that would be to drop all."""
    for number in range(10):
        store(empty, TRACES, 0, 100, 3000)
        store(empty, LOGS, 0, 1, number)
    empty.run("OPTIMIZE TABLE otel.otel_traces FINAL")
    store(empty, TRACES, 0, 1, 10)
    DiskLimiter(empty, 2 * MEGABYTE).trim()
    assert hours_kept(empty, LOGS) == {"0"}
    assert hours_kept(empty, TRACES) == {"0"}


def test_tables_elsewhere_count_and_give_way_too(empty: Engine) -> None:
    """The Collector's exporter makes its own, in the configured database."""
    empty.run("CREATE DATABASE IF NOT EXISTS elsewhere")
    empty.run(
        "CREATE TABLE elsewhere.`old logs` (Time DateTime, Noise String) ENGINE = MergeTree "
        "PARTITION BY toDate(Time) ORDER BY Time"
    )
    try:
        for day in range(8):
            empty.run(
                f"INSERT INTO elsewhere.`old logs` SELECT now() - {day} * 86400, "
                "randomString(1000) FROM numbers(300)"
            )
        store(empty, TRACES, 0)
        limiter = DiskLimiter(empty, MEGABYTE)
        assert limiter.size() > 2 * MEGABYTE
        assert limiter.trim() > 0
        assert limiter.size() <= MEGABYTE
        newest = "SELECT max(Time) > now() - 3600, uniq(toDate(Time)) FROM elsewhere.`old logs`"
        assert empty.run(newest) == b"1\t3\n"
        assert hours_kept(empty, TRACES) == {"0"}
    finally:
        empty.run("DROP DATABASE elsewhere")


def test_what_went_is_gone_from_the_disk_too(empty: Engine) -> None:
    for number in range(10):
        store(empty, TRACES, 12 * number, 100, 3000)
    before = parts(empty)
    assert all(folder.is_dir() for folder in before)
    DiskLimiter(empty, MEGABYTE).trim()
    gone = before - parts(empty)
    assert gone
    until(lambda: not any(folder.exists() for folder in gone))


def test_the_bound_holds_for_a_folder_that_was_filled_before(tmp_path: Path) -> None:
    with Observatory(tmp_path) as observatory:
        for hours in (36, 24, 12, 0):
            time = time_ns() - hours * HOUR
            logs = [record("logs", f"{hours}", time_unix_nano=time) for _ in range(300)]
            for each in logs:
                each.attributes.add(key="noise").value.bytes_value = os.urandom(3000)
            http(observatory, "logs", request("logs", logs))
        observatory.stop()
    with Observatory(tmp_path, disk_bytes=2 * MEGABYTE) as observatory:
        size = "SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND database = 'otel'"
        until(lambda: int(observatory.value(size)) <= 2 * MEGABYTE)
        rows = observatory.rows(
            "SELECT Body, count() AS count FROM otel.otel_logs GROUP BY Body ORDER BY Body"
        )
        assert rows == [{"Body": "0", "count": 300}, {"Body": "12", "count": 300}]


def test_every_table_has_its_bounds() -> None:
    written = {layout.table for layout in LAYOUTS}
    assert written <= {f"otel.{table}" for table in ALL_TABLES}
