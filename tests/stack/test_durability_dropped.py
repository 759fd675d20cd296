"""Who gets through in the end: senders that try again; and what is given up, which is counted."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from opentelemetry._logs import LogRecord
from opentelemetry.exporter.otlp.proto.grpc import _log_exporter as over_grpc
from opentelemetry.exporter.otlp.proto.http import _log_exporter as over_http
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor

from tests.stack.clickhouse_outage import ClickHouse, awaited, delivered, stored
from tests.stack.collector_process import Collector
from tests.stack.load import AGAIN, TAKEN, UNDER_WAY, Load, Stored, report, under_load
from tests.stack.overlays import impatient
from tests.telemetry.receiver import Receiver, accept, refuse
from tests.waiting import TIMEOUT

pytestmark = pytest.mark.lasting

QUEUE, MESSAGES = 200_000, 10
LONG = "longer than what is left of a full queue " * 1000
EXPORTERS: dict[str, Any] = {
    "grpc": lambda it: over_grpc.OTLPLogExporter(endpoint=it.grpc, timeout=TIMEOUT),
    "http": lambda it: over_http.OTLPLogExporter(f"{it.otlp}/v1/logs", timeout=TIMEOUT),
}


def say(collector: Collector, protocol: str) -> None:
    """One log record by the SDK's exporter, which tries again; returns when it has ended."""
    logging = LoggerProvider(shutdown_on_exit=False)
    exporter = EXPORTERS[protocol](collector)
    logging.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    logging.get_logger("here").emit(LogRecord(body=protocol, attributes={"long": LONG}))
    logging.shutdown()


@pytest.mark.parametrize("protocol", EXPORTERS)
def test_an_sdk_gets_through_when_there_is_room_again(
    protocol: str, otelcol: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    soon = impatient(tmp_path, "otlp", queue=QUEUE)
    with (
        Receiver() as receiver,
        Collector(
            otelcol, tmp_path, "otlp", soon, OTLP_ENDPOINT=receiver.http_endpoint
        ) as collector,
        ThreadPoolExecutor() as pool,
    ):
        receiver.behaviour = refuse()
        with under_load(collector) as load:
            load.answered(*AGAIN)
            awaited(lambda: load.refused["logs"] > UNDER_WAY)
            load.stop()
            logged = pool.submit(say, collector, protocol)
            awaited(lambda: "Transient error" in caplog.text)
            assert not logged.done()
            receiver.behaviour = accept
        logged.result()
        receiver.await_logs(lambda logs: [each.body for each in logs].count(protocol) == 1)


def lost(receiver: Receiver, load: Load) -> int:
    return len(load.tallies(delivered(receiver, load))["logs"].lost)


def any_lost(load: Load, kept: Stored) -> bool:
    return any(it.lost for it in load.tallies(kept).values())


def failed(receiver: Receiver) -> float:
    points = receiver.latest("otelcol_exporter_send_failed_log_records")
    return sum(each.value for each in points)


def test_what_a_backend_refuses_for_good_is_dropped_and_counted(
    otelcol: Path, tmp_path: Path
) -> None:
    soon = impatient(tmp_path, "otlp")
    with (
        Receiver() as receiver,
        Collector(
            otelcol, tmp_path, "otlp", soon, OTLP_ENDPOINT=receiver.http_endpoint
        ) as collector,
    ):
        receiver.behaviour = refuse(status=400)
        with under_load(collector) as load:
            load.reached(MESSAGES)
            awaited(lambda: any(each.signal == "logs" for each in receiver.requests))
            receiver.behaviour = accept
            load.reached(MESSAGES)
        awaited(lambda: 0 < lost(receiver, load) == failed(receiver))
        report("refused for good", load.tallies(delivered(receiver, load)))
    assert set(load.answers) <= TAKEN


def test_of_two_backends_the_other_has_what_a_full_queue_refuses(
    otelcol: Path, tmp_path: Path
) -> None:
    """A sender that retries, as asked, has it there twice."""
    backends = ("clickhouse", "otlp", "fan-out", impatient(tmp_path, "otlp", queue=QUEUE))
    with (
        Receiver() as receiver,
        ClickHouse(tmp_path / "store") as clickhouse,
        clickhouse.up() as store,
        Collector(
            otelcol, tmp_path, *backends,
            OTLP_ENDPOINT=receiver.http_endpoint, **clickhouse.variables,
        ) as collector,
    ):  # fmt: skip
        receiver.behaviour = refuse()
        with under_load(collector) as load:
            load.answered(*AGAIN)
            awaited(lambda: load.refused["logs"] > UNDER_WAY)
        receiver.behaviour = accept
        awaited(lambda: not any_lost(load, delivered(receiver, load)))
        awaited(lambda: not any_lost(load, stored(store, load)))
        first, second = (stored(store, load), delivered(receiver, load))
        report("two backends: ClickHouse", load.tallies(first))
        report("two backends: the one that was away", load.tallies(second))
        awaited(lambda: len(stored(store, load)["logs"]) == len(load.sent("logs")))
        assert len(second["logs"]) < len(first["logs"])
