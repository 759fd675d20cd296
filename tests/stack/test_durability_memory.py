"""A backend that is slow or hangs, and memory that runs short: what waits is on disk."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.stack.clickhouse_outage import ClickHouse, awaited, delivered, stored
from tests.stack.collector_process import Collector
from tests.stack.load import AGAIN, TAKEN, report, under_load
from tests.stack.overlays import impatient, overlay
from tests.telemetry.exporting import export_span
from tests.telemetry.receiver import Receiver, accept, refuse, slow
from tests.waiting import TIMEOUT

pytestmark = pytest.mark.lasting

LIMIT, PROGRAM = 100, 100
"""MiB: of the heap, and what the process needs beside it: code, stacks, pages of queues."""
HEAVY = {
    "links": [Span.Link(trace_id=b"a link's trace..", span_id=b"its span")] * 500,
    "parent_span_id": b"a parent",
}
"""Fields of spans that take much memory, and wait for a root that is never sent."""
MESSAGES = 20
SHRINKING = {
    "extensions": {
        "file_storage": {
            "compaction": {
                "rebound_needed_threshold_mib": LIMIT // 4,
                "rebound_trigger_threshold_mib": LIMIT // 10,
                "check_interval": "1s",
            }
        }
    }
}
"""Files that are large and nearly empty are made smaller soon; as they are set it takes 100 MiB."""
MODEST = {
    "COLLECTOR_MEMORY_MIB": LIMIT,
    "GOMEMLIMIT": f"{LIMIT}MiB",
    "COLLECTOR_SAMPLING_BUDGET": 1_000_000,
}


def peak(collector: Collector) -> int:
    """The most memory that the process has had so far, in MiB."""
    status = Path(f"/proc/{collector.process.pid}/status").read_text()
    [line] = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) >> 10


def refused_spans(receiver: Receiver) -> float:
    return sum(each.value for each in receiver.latest("otelcol_receiver_refused_spans"))


def queued(folder: Path) -> int:
    """What the files of the queues take, in MiB."""
    return sum(each.stat().st_size for each in (folder / "queue").iterdir()) >> 20


def test_senders_are_asked_to_retry_when_memory_is_short_and_get_it_all_through_later(
    otelcol: Path, tmp_path: Path
) -> None:
    soon = impatient(tmp_path, "otlp")
    with (
        Receiver() as receiver,
        Collector(
            otelcol, tmp_path, "otlp", soon,
            OTLP_ENDPOINT=receiver.http_endpoint, COLLECTOR_DECISION_WAIT="5s", **MODEST,
        ) as collector,
        ThreadPoolExecutor() as pool,
    ):  # fmt: skip
        with under_load(collector, **HEAVY) as load:
            load.answered(*AGAIN)
            assert httpx.get(collector.health).status_code == 200
            patient = [
                pool.submit(export_span, protocol, endpoint, TIMEOUT)
                for protocol, endpoint in (("http", collector.otlp), ("grpc", collector.grpc))
            ]
        assert [each.result() for each in patient] == [True, True]
        receiver.await_spans(lambda spans: sum(span.name == "alone" for span in spans) == 2)
        awaited(lambda: not any(it.lost for it in load.tallies(delivered(receiver, load)).values()))
        report(f"memory short, peak {peak(collector)} MiB", load.tallies(delivered(receiver, load)))
        awaited(lambda: refused_spans(receiver) > 0)
        assert peak(collector) <= LIMIT + PROGRAM
    assert set(load.answers) <= TAKEN | AGAIN


def test_what_waits_for_a_backend_is_not_in_memory(otelcol: Path, tmp_path: Path) -> None:
    """It would not fit, and senders would get no response any more."""
    soon = impatient(tmp_path, "otlp")
    shrinking = overlay(tmp_path / "shrinking.yaml", SHRINKING)
    with (
        Receiver() as receiver,
        Collector(
            otelcol, tmp_path, "otlp", soon, shrinking,
            OTLP_ENDPOINT=receiver.http_endpoint, **MODEST,
        ) as collector,
    ):  # fmt: skip
        receiver.behaviour = refuse()
        with under_load(collector, links=HEAVY["links"]) as load:
            awaited(lambda: queued(tmp_path) > LIMIT)
            load.reached(MESSAGES)
        assert peak(collector) <= LIMIT + PROGRAM + queued(tmp_path)
        receiver.behaviour = accept
        awaited(lambda: not any(it.lost for it in load.tallies(delivered(receiver, load)).values()))
        report(f"backend away, peak {peak(collector)} MiB", load.tallies(delivered(receiver, load)))
        awaited(lambda: queued(tmp_path) < LIMIT // 2)


def test_a_slow_backend_gets_it_all(otelcol: Path, tmp_path: Path) -> None:
    soon = impatient(tmp_path, "otlp", timeout="300s")
    with (
        Receiver() as receiver,
        Collector(
            otelcol, tmp_path, "otlp", soon, OTLP_ENDPOINT=receiver.http_endpoint, **MODEST
        ) as collector,
    ):
        receiver.behaviour = slow(0.5)
        with under_load(collector) as load:
            load.reached(MESSAGES)
        awaited(lambda: not any(it.lost for it in load.tallies(delivered(receiver, load)).values()))
        tallies = load.tallies(delivered(receiver, load))
        report(f"slow backend, peak {peak(collector)} MiB", tallies)
        assert peak(collector) <= LIMIT + PROGRAM
    assert {it.duplicated for it in tallies.values()} == {0}
    assert set(load.answers) <= TAKEN


def test_clickhouse_hangs(otelcol: Path, tmp_path: Path) -> None:
    """What ClickHouse stored without answering in time, it may have twice."""
    soon = impatient(tmp_path, "clickhouse", timeout="5s")
    with (
        ClickHouse(tmp_path / "store") as clickhouse,
        clickhouse.up() as store,
        Collector(otelcol, tmp_path, "clickhouse", soon, **clickhouse.variables) as collector,
        under_load(collector) as load,
    ):
        load.reached(MESSAGES)
        os.kill(store.process.pid, signal.SIGSTOP)
        before = collector.output.count("Will retry")
        load.reached(MESSAGES)
        awaited(lambda: collector.output.count("Will retry") >= before + 2)
        os.kill(store.process.pid, signal.SIGCONT)
        load.stop()
        awaited(lambda: not any(it.lost for it in load.tallies(stored(store, load)).values()))
        report("ClickHouse hangs", load.tallies(stored(store, load)))
    assert set(load.answers) <= TAKEN
