"""The health endpoint in each state; healthy with a backend down or queues full."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.stack.clickhouse_outage import ClickHouse, awaited, stored
from tests.stack.collector_process import Collector
from tests.stack.load import AGAIN, Load, report, under_load
from tests.stack.overlays import impatient
from tests.telemetry.receiver import black_hole
from tests.waiting import until

pytestmark = pytest.mark.lasting

QUEUE, OTHERS = 200_000, 100


def health(collector: Collector) -> int | None:
    """The status of its answer; None if the connection is refused."""
    try:
        return httpx.get(collector.health).status_code
    except httpx.TransportError:
        return None


def waiting(load: Load) -> bool:
    """Whether spans are not taken while very many others are answered."""
    before, answered = len(load.so_far()["traces"]), load.answers.total()
    until(lambda: load.answers.total() > answered + OTHERS)
    return len(load.so_far()["traces"]) == before


def test_it_is_not_healthy_before_all_is_started(otelcol: Path, tmp_path: Path) -> None:
    """The exporter queries ClickHouse at start, and gets no response for a while."""
    with ThreadPoolExecutor() as pool:
        with black_hole() as silent:
            collector = Collector(otelcol, tmp_path, "clickhouse", CLICKHOUSE_ENDPOINT=silent)
            assert health(collector) is None
            starting = pool.submit(collector.__enter__)
            until(lambda: health(collector) == 503)
            assert not starting.done()
        starting.result()
        assert health(collector) == 200
        collector.__exit__()
        assert health(collector) is None


def test_it_is_not_healthy_while_a_stop_waits_for_the_backend(
    otelcol: Path, tmp_path: Path
) -> None:
    """With the queue of traces full, sampling can't put what it decides for anywhere."""
    soon = impatient(tmp_path, "clickhouse", queue=QUEUE)
    with (
        ThreadPoolExecutor() as pool,
        ClickHouse(tmp_path / "store") as clickhouse,
        Collector(otelcol, tmp_path, "clickhouse", soon, **clickhouse.variables) as collector,
        under_load(collector) as load,
    ):
        load.answered(*AGAIN)
        until(lambda: waiting(load))
        assert health(collector) == 200
        stopping = pool.submit(collector.stop)
        until(lambda: health(collector) == 503)
        load.stop()
        with clickhouse.up() as store:
            stopping.result()
            collector.start()
            awaited(lambda: not load.tallies(stored(store, load))["traces"].lost)
            report("a stop with queues full", load.tallies(stored(store, load)))
