"""ClickHouse stops and returns; nothing that was acknowledged is lost."""

import threading
from pathlib import Path

import httpx
import pytest

from tests.observatory.observatory_process import Observatory
from tests.stack.clickhouse_outage import ClickHouse, awaited, stored
from tests.stack.collector_process import Collector
from tests.stack.load import SIGNALS, TAKEN, Load, report, under_load
from tests.stack.overlays import impatient

pytestmark = pytest.mark.lasting

MESSAGES, RETRIES = 20, 3
MINUTE = 60


def all_stored(store: Observatory, load: Load) -> bool:
    return not any(it.lost for it in load.tallies(stored(store, load)).values())


def test_what_comes_while_clickhouse_is_away_waits_for_it(otelcol: Path, tmp_path: Path) -> None:
    soon = impatient(tmp_path, "clickhouse", timeout="300s")
    with (
        ClickHouse(tmp_path / "store") as clickhouse,
        Collector(otelcol, tmp_path, "clickhouse", soon, **clickhouse.variables) as collector,
        under_load(collector) as load,
    ):
        with clickhouse.up() as store:
            load.reached(MESSAGES)
            awaited(lambda: all(stored(store, load)[signal] for signal in SIGNALS))
        retries = collector.output.count("Will retry")
        load.reached(MESSAGES)
        awaited(lambda: collector.output.count("Will retry") >= retries + RETRIES)
        with clickhouse.up() as store:
            load.reached(MESSAGES)
            load.stop()
            awaited(lambda: all_stored(store, load))
            report("ClickHouse away for a while", load.tallies(stored(store, load)))
    assert set(load.answers) == TAKEN  # senders saw no error


def test_clickhouse_is_away_for_a_minute_under_load(otelcol: Path, tmp_path: Path) -> None:
    with (
        ClickHouse(tmp_path / "store") as clickhouse,
        Collector(otelcol, tmp_path, "clickhouse", **clickhouse.variables) as collector,
        under_load(collector) as load,
    ):
        with clickhouse.up() as store:
            load.reached(MESSAGES)
            awaited(lambda: all(stored(store, load)[signal] for signal in SIGNALS))
        threading.Event().wait(MINUTE)
        assert httpx.get(collector.health).status_code == 200
        with clickhouse.up() as store:
            load.reached(MESSAGES)
            load.stop()
            awaited(lambda: all_stored(store, load))
            report("ClickHouse away for 60 s", load.tallies(stored(store, load)))
    assert set(load.answers) == TAKEN


def test_what_waits_outlives_a_stop(otelcol: Path, tmp_path: Path) -> None:
    """Sampling decides at once for what it has, so spans are in the queue then as well."""
    soon = impatient(tmp_path, "clickhouse", timeout="300s")
    with (
        ClickHouse(tmp_path / "store") as clickhouse,
        Collector(otelcol, tmp_path, "clickhouse", soon, **clickhouse.variables) as collector,
    ):
        with under_load(collector) as load:
            load.reached(MESSAGES)
        collector.stop()
        collector.start()
        with clickhouse.up() as store:
            awaited(lambda: all_stored(store, load))
            tallies = load.tallies(stored(store, load))
            report("a stop while ClickHouse is away", tallies)
    assert {it.duplicated for it in tallies.values()} == {0}


def test_event_names_are_missing_if_clickhouse_was_away_at_the_start(
    otelcol: Path, tmp_path: Path
) -> None:
    """The exporter looks for the column when it starts, and says that it could not."""
    soon = impatient(tmp_path, "clickhouse", timeout="300s")
    named = "SELECT DISTINCT EventName FROM otel.otel_logs"
    with (
        ClickHouse(tmp_path / "store") as clickhouse,
        Collector(otelcol, tmp_path, "clickhouse", soon, **clickhouse.variables) as collector,
        clickhouse.up() as store,
    ):
        assert "schema detection failed" in collector.output
        with under_load(collector) as load:
            load.reached(1)
        awaited(lambda: all_stored(store, load))
        assert store.rows(named) == [{"EventName": ""}]
        collector.stop()
        collector.start()
        assert "schema detection failed" not in collector.output
        with under_load(collector) as later:
            later.reached(1)
        awaited(lambda: all_stored(store, later))
        assert {"EventName": "load"} in store.rows(named)
