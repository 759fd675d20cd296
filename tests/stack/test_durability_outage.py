"""ClickHouse goes and comes back; nothing that was acknowledged is lost by that."""

import threading
from pathlib import Path

import httpx
import pytest

from tests.observatory.observing import Observatory
from tests.stack.bearing import SIGNALS, TAKEN, Load, bearing, told
from tests.stack.collecting import Collector
from tests.stack.kept import ClickHouse, awaited, stored
from tests.stack.overlays import impatient

pytestmark = pytest.mark.lasting

MESSAGES, RETRIES = 20, 3
MINUTE = 60


def all_there(store: Observatory, load: Load) -> bool:
    return not any(it.lost for it in load.tallies(stored(store, load)).values())


def test_what_comes_while_clickhouse_is_away_waits_for_it(otelcol: Path, tmp_path: Path) -> None:
    soon = impatient(tmp_path, "clickhouse")
    with (
        ClickHouse(tmp_path / "store") as clickhouse,
        Collector(otelcol, tmp_path, "clickhouse", soon, **clickhouse.variables) as collector,
        bearing(collector) as load,
    ):
        with clickhouse.up() as store:
            load.reached(MESSAGES)
            awaited(lambda: all(stored(store, load)[signal] for signal in SIGNALS))
        retries = collector.said.count("Will retry")
        load.reached(MESSAGES)
        awaited(lambda: collector.said.count("Will retry") >= retries + RETRIES)
        with clickhouse.up() as store:
            load.reached(MESSAGES)
            load.stop()
            awaited(lambda: all_there(store, load))
            told("ClickHouse away for a while", load.tallies(stored(store, load)))
    assert set(load.answers) == TAKEN  # nobody was told of it


def test_clickhouse_is_away_for_a_minute_under_load(otelcol: Path, tmp_path: Path) -> None:
    with (
        ClickHouse(tmp_path / "store") as clickhouse,
        Collector(otelcol, tmp_path, "clickhouse", **clickhouse.variables) as collector,
        bearing(collector) as load,
    ):
        with clickhouse.up() as store:
            load.reached(MESSAGES)
            awaited(lambda: all(stored(store, load)[signal] for signal in SIGNALS))
        threading.Event().wait(MINUTE)
        assert httpx.get(collector.health).status_code == 200
        with clickhouse.up() as store:
            load.reached(MESSAGES)
            load.stop()
            awaited(lambda: all_there(store, load))
            told("ClickHouse away for 60 s", load.tallies(stored(store, load)))
    assert set(load.answers) == TAKEN


def test_what_waits_outlives_a_stop(otelcol: Path, tmp_path: Path) -> None:
    """Sampling decides at once for what it has, so spans are in the queue then as well."""
    soon = impatient(tmp_path, "clickhouse")
    with (
        ClickHouse(tmp_path / "store") as clickhouse,
        Collector(otelcol, tmp_path, "clickhouse", soon, **clickhouse.variables) as collector,
    ):
        with bearing(collector) as load:
            load.reached(MESSAGES)
        collector.stop()
        collector.start()
        with clickhouse.up() as store:
            awaited(lambda: all_there(store, load))
            tallies = load.tallies(stored(store, load))
            told("a stop while ClickHouse is away", tallies)
    assert {it.duplicated for it in tallies.values()} == {0}


def test_event_names_are_missing_if_clickhouse_was_away_at_the_start(
    otelcol: Path, tmp_path: Path
) -> None:
    """The exporter looks for the column when it starts, and says that it could not."""
    soon = impatient(tmp_path, "clickhouse")
    named = "SELECT DISTINCT EventName FROM otel.otel_logs"
    with (
        ClickHouse(tmp_path / "store") as clickhouse,
        Collector(otelcol, tmp_path, "clickhouse", soon, **clickhouse.variables) as collector,
        clickhouse.up() as store,
    ):
        assert "schema detection failed" in collector.said
        with bearing(collector) as load:
            load.reached(1)
        awaited(lambda: all_there(store, load))
        assert store.rows(named) == [{"EventName": ""}]
        collector.stop()
        collector.start()
        assert "schema detection failed" not in collector.said
        with bearing(collector) as later:
            later.reached(1)
        awaited(lambda: all_there(store, later))
        assert {"EventName": "load"} in store.rows(named)
