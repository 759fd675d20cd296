"""Stopping: soon, in order, and nothing stays behind."""

import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psutil
import pytest

from tests.observatory.observatory_process import Observatory
from tests.observatory.telemetry_load import loading
from tests.waiting import TIMEOUT

pytestmark = pytest.mark.lasting


def test_the_second_signal_changes_nothing_and_its_ports_are_free_again(tmp_path: Path) -> None:
    with Observatory(tmp_path) as observatory, loading(observatory) as load:
        load.reached(3)
        endpoints = (observatory.page, observatory.grpc, observatory.otlp, observatory.clickhouse)
        ports = {int(endpoint.rpartition(":")[2]) for endpoint in endpoints}
        observatory.process.send_signal(signal.SIGTERM)
        assert observatory.stop(signal.SIGINT) == 0
        listening = {
            each.laddr.port
            for each in psutil.net_connections("tcp")
            if each.status == psutil.CONN_LISTEN and each.laddr
        }
        assert not ports & listening


def test_a_message_of_which_the_rest_never_comes_does_not_keep_it(tmp_path: Path) -> None:
    def half() -> httpx.Response:
        def body() -> Iterator[bytes]:
            yield b"x"
            observatory.stop()

        headers = {"content-type": "application/x-protobuf"}
        return httpx.post(f"{observatory.otlp}/v1/traces", content=body(), headers=headers)

    with Observatory(tmp_path) as observatory, ThreadPoolExecutor() as pool:
        sending = pool.submit(half)
        sending.exception(60)
        assert observatory.process.poll() == 0


ENDLESS = {
    "interruptible": "SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) = 1",
    "one call": "SELECT sum(editDistance(materialize(repeat('sipHash64', 3300)), "
    "repeat('number', 5000))) FROM numbers(1000)",
}


@pytest.mark.parametrize(
    ("endless", "number"),
    [
        pytest.param(ENDLESS["interruptible"], signal.SIGTERM, id="interruptible"),
        pytest.param(ENDLESS["one call"], signal.SIGINT, id="one call", marks=pytest.mark.lasting),
    ],
)
def test_a_long_query_does_not_keep_it(
    tmp_path: Path, endless: str, number: signal.Signals
) -> None:
    with Observatory(tmp_path, query_seconds=600) as observatory, ThreadPoolExecutor() as pool:
        address = f"{observatory.clickhouse}/"
        asking = pool.submit(httpx.post, address, content=endless, timeout=TIMEOUT)
        while not observatory.value(
            "SELECT count() FROM system.processes WHERE query LIKE '%sipHash64%number%' "
            "AND query NOT LIKE '%system.processes%'"
        ):
            assert not asking.done()
        children = observatory.family()
        assert observatory.stop(number) == 0
        assert asking.result(60).status_code == 503
        assert "stopping" in asking.result().text
        assert not psutil.wait_procs(children, 60)[1]
