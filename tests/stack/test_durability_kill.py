"""Kill -9 of the Collector under load: what it had acknowledged is delivered by the next one."""

from functools import partial
from pathlib import Path

import pytest

from tests.observatory.observatory_process import Observatory
from tests.stack.clickhouse_outage import ClickHouse, awaited, stored
from tests.stack.collector_process import Collector
from tests.stack.load import Load, Tally, report, under_load
from tests.stack.overlays import impatient

pytestmark = pytest.mark.lasting

MESSAGES, KILLS = 20, 3


def counted(store: Observatory, load: Load) -> dict[str, Tally]:
    return load.tallies(stored(store, load))


def none_lost(store: Observatory, load: Load) -> bool:
    """Of what goes from the receiver into a queue."""
    tallies = counted(store, load)
    return not tallies["metrics"].lost and not tallies["logs"].lost


def decided(store: Observatory, load: Load) -> set[str]:
    """Spans that sampling has decided for.

    They were acknowledged before others were sent, and those before further ones, which are stored:
    sampling decides in ticks, in order of receipt, and each of the two waits takes it to a later
    tick.
    """
    load.reached(MESSAGES)
    early = load.so_far()["traces"]
    for _ in range(2):
        before = set(load.sent("traces"))
        awaited(partial(stored_since, before, store, load))
    return set(early)


def stored_since(before: set[str], store: Observatory, load: Load) -> bool:
    return bool(set(stored(store, load)["traces"]) - before)


def test_kills_lose_no_log_and_no_metric_and_only_the_latest_spans(
    otelcol: Path, tmp_path: Path
) -> None:
    soon = impatient(tmp_path, "clickhouse")
    killed: set[str] = set()
    kept: set[str] = set()
    with (
        ClickHouse(tmp_path / "store") as clickhouse,
        clickhouse.up() as store,
        Collector(otelcol, tmp_path, "clickhouse", soon, **clickhouse.variables) as collector,
        under_load(collector) as load,
    ):
        for _ in range(KILLS):
            kept |= decided(store, load) - killed
            collector.kill()
            with load.paused():  # see file_storage in otel-collector-config.yaml
                killed = set(load.sent("traces"))
                collector.start()
        load.reached(MESSAGES)
        load.stop()
        awaited(lambda: none_lost(store, load))
        awaited(lambda: set(counted(store, load)["traces"].lost) <= killed)
        tallies = counted(store, load)
    report(f"{KILLS} kills under load", tallies)
    assert len(kept) > KILLS * MESSAGES
    assert not kept & set(tallies["traces"].lost)


def test_kills_lose_nothing_that_waits_for_clickhouse(otelcol: Path, tmp_path: Path) -> None:
    soon = impatient(tmp_path, "clickhouse")
    with (
        ClickHouse(tmp_path / "store") as clickhouse,
        Collector(otelcol, tmp_path, "clickhouse", soon, **clickhouse.variables) as collector,
    ):
        with under_load(collector) as load:
            load.reached(MESSAGES)
            collector.kill()
        collector.start()
        collector.kill()
        collector.start()
        with clickhouse.up() as store:
            awaited(lambda: none_lost(store, load))
            report("kills while ClickHouse is away", counted(store, load))
