"""Full queues and disks: senders are asked to retry, and drops are counted."""

import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.observatory.observatory_process import Observatory
from tests.stack.clickhouse_outage import ClickHouse, awaited, own, stored
from tests.stack.collector_process import Collector
from tests.stack.load import AGAIN, TAKEN, Load, report, under_load
from tests.stack.overlays import impatient

pytestmark = pytest.mark.lasting

QUEUE = 200_000
DISK = 1 << 19
MESSAGES = 20
MANY = 100
"""Records; more than are in flight at a time."""
ENQUEUE, REFUSED = "otelcol_exporter_enqueue_failed", "otelcol_receiver_refused"


@contextmanager
def told_of_limits() -> Iterator[None]:
    """Limits the size of files; a process started in here gets EFBIG instead of a signal."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGXFSZ})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def limit_files(collector: Collector, size: int) -> None:
    """No file of its can grow beyond this: a full disk for whoever runs the tests."""
    of = (size, resource.RLIM_INFINITY)
    resource.prlimit(collector.process.pid, resource.RLIMIT_FSIZE, of)


def lost(store: Observatory, load: Load, *signals: str) -> list[str]:
    tallies = load.tallies(stored(store, load))
    return [each for kind in signals for each in tallies[kind].lost]


def test_full_queues_are_reported_to_senders_and_counted(otelcol: Path, tmp_path: Path) -> None:
    soon = impatient(tmp_path, "clickhouse", queue=QUEUE)
    with (
        ClickHouse(tmp_path / "store") as clickhouse,
        Collector(otelcol, tmp_path, "clickhouse", soon, **clickhouse.variables) as collector,
        under_load(collector) as load,
    ):
        load.answered(*AGAIN)
        assert httpx.get(collector.health).status_code == 200
        with clickhouse.up() as store:
            load.reached(MESSAGES)
            load.stop()
            awaited(lambda: not lost(store, load, "traces", "metrics", "logs"))
            report("queues full", load.tallies(stored(store, load)))
            refused = load.refused
            assert refused["traces"] == 0  # their senders waited
            awaited(lambda: own(store, f"{ENQUEUE}_log_records") == refused["logs"])
            awaited(lambda: own(store, f"{REFUSED}_log_records") == refused["logs"])
            awaited(lambda: own(store, f"{ENQUEUE}_metric_points") >= refused["metrics"])
    assert set(load.answers) <= TAKEN | AGAIN


def test_a_full_disk_is_reported_to_senders_and_over_when_there_is_room(
    otelcol: Path, tmp_path: Path
) -> None:
    """What sampling drops meanwhile, and what leaves a queue, is lost, and reported."""
    soon = impatient(tmp_path, "clickhouse")
    with (
        ClickHouse(tmp_path / "store") as clickhouse,
        told_of_limits(),
        Collector(otelcol, tmp_path, "clickhouse", soon, **clickhouse.variables) as collector,
    ):
        limit_files(collector, DISK)
        with under_load(collector) as load:
            awaited(lambda: min(load.refused[each] for each in ("metrics", "logs")) > MANY)
            assert httpx.get(collector.health).status_code == 200
            limit_files(collector, resource.RLIM_INFINITY)
            load.reached(MESSAGES)  # spans that were taken before are decided for, or soon
            early = {kind: set(ids) for kind, ids in load.so_far().items()}
            with clickhouse.up() as store:
                load.reached(MESSAGES)
                load.stop()
                awaited(lambda: all(set(lost(store, load, each)) <= early[each] for each in early))
                awaited(lambda: own(store, f"{ENQUEUE}_log_records") == load.refused["logs"])
                awaited(lambda: own(store, f"{ENQUEUE}_metric_points") >= load.refused["metrics"])
                report("disk full", load.tallies(stored(store, load)))
                sampled = own(store, f"{ENQUEUE}_spans")
                assert sampled <= len(lost(store, load, "traces"))
    assert set(load.answers) <= TAKEN | AGAIN
