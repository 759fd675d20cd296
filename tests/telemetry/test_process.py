"""The process's own metrics are what the process is."""

import _thread
import asyncio
import gc
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from time import process_time
from typing import Any

import psutil
import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from app.telemetry import vocabulary as v
from app.telemetry.kit.process import observe_process, observed_loop
from app.telemetry.kit.vocabulary import Metric
from tests.waiting import eventually, until


class Process:
    """The metrics of this process, collected at each call."""

    def __init__(self) -> None:
        self._reader = InMemoryMetricReader()
        self.provider = MeterProvider([self._reader], shutdown_on_exit=False)
        observe_process(self.provider.get_meter("here"))

    def read(self) -> dict[str, dict[Any, float]]:
        """Values by the metric's name and the attribute's value."""
        data: Any = self._reader.get_metrics_data()
        [scope] = data.resource_metrics[0].scope_metrics
        return {
            metric.name: {
                next(iter(point.attributes.values()), None): point.value
                for point in metric.data.data_points
            }
            for metric in scope.metrics
        }


@pytest.fixture
def process() -> Iterator[Process]:
    gc.collect()  # what other tests left, and what it holds
    process = Process()
    yield process
    process.provider.shutdown()


def test_everything_is_there(process: Process) -> None:
    emitted = process.read()
    assert set(emitted) == {
        "process.cpu.time",
        "process.memory.usage",
        "process.thread.count",
        "process.unix.file_descriptor.count",
        "cpython.gc.collections",
    }
    assert set(emitted["process.cpu.time"]) == {"user", "system"}
    assert set(emitted["cpython.gc.collections"]) == {0, 1, 2}
    assert set(emitted["process.memory.usage"]) == {None}


def test_cpu_time(process: Process) -> None:
    before, own = process.read()["process.cpu.time"], process_time()
    while process_time() < own + 0.05:
        sum(range(1000))
    after = process.read()["process.cpu.time"]
    assert after["user"] > before["user"] > 0
    assert after["system"] >= before["system"]
    assert sum(after.values()) <= process_time() + 0.1  # seconds, and not something else


def test_memory(process: Process) -> None:
    gc.collect()  # or what other tests left is freed meanwhile
    before = process.read()["process.memory.usage"][None]
    more = bytearray(b"x") * 200_000_000
    after = process.read()["process.memory.usage"][None]
    assert len(more) * 0.5 < after - before < len(more) * 1.5
    assert 10_000_000 < before < psutil.virtual_memory().total


def test_threads(process: Process) -> None:
    before, end = process.read()["process.thread.count"][None], threading.Event()
    for _ in range(5):
        _thread.start_new_thread(end.wait, ())  # unknown to `threading`, as those of libraries
    until(lambda: process.read()["process.thread.count"][None] == before + 5)
    end.set()
    until(lambda: process.read()["process.thread.count"][None] == before)


def test_open_files(process: Process) -> None:
    before = process.read()["process.unix.file_descriptor.count"][None]
    with ExitStack() as stack:
        for _ in range(7):
            stack.enter_context(Path(__file__).open("rb"))
        assert process.read()["process.unix.file_descriptor.count"][None] == before + 7


def test_garbage_collections(process: Process) -> None:
    before = process.read()["cpython.gc.collections"]
    gc.collect()
    after = process.read()["cpython.gc.collections"]
    assert after[2] == before[2] + 1
    assert after[0] >= before[0] >= 0


class Lags:
    """Stands in for the instruments: what is recorded of the loop."""

    def __init__(self) -> None:
        self.seen: list[float] = []

    def record(self, metric: Metric, seconds: float, _: object) -> None:
        if metric == v.CORE.loop_lag:
            self.seen.append(seconds)

    def observe(self, *_: object) -> None: ...


@pytest.fixture
def lags(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr("app.telemetry.kit.process.LAG_SECONDS", 0.001)
    return Lags()


def test_how_late_the_loop_is(lags: Any) -> None:
    async def block_the_loop() -> None:
        async with observed_loop(lags, v.CORE):
            await eventually(lambda: len(lags.seen) > 3)
            before = len(lags.seen)
            threading.Event().wait(0.1)  # the next timer is due meanwhile
            await eventually(lambda: len(lags.seen) > before)
            assert lags.seen[before] > 0.05

    asyncio.run(block_the_loop())
    assert min(lags.seen) >= 0


def test_it_stops_with_the_block(lags: Any) -> None:
    async def leave() -> set[asyncio.Task[Any]]:
        async with observed_loop(lags, v.CORE):
            await eventually(lambda: len(lags.seen) > 0)
            assert len(asyncio.all_tasks()) == 2
        return asyncio.all_tasks() - {asyncio.current_task()}

    assert asyncio.run(leave()) == set()


def test_it_stops_with_a_block_that_fails(lags: Any) -> None:
    async def fail() -> None:
        try:
            async with observed_loop(lags, v.CORE):
                _ = 1 // 0
        finally:
            assert len(asyncio.all_tasks()) == 1

    with pytest.raises(ZeroDivisionError):
        asyncio.run(fail())
