"""Metrics of the process: CPU, memory, threads, files, garbage collection, event-loop lag."""

import asyncio
import gc
import os
import threading
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress

import psutil
from opentelemetry.metrics import CallbackOptions, Meter, Observation
from opentelemetry.semconv._incubating.attributes.cpu_attributes import CPU_MODE
from opentelemetry.semconv._incubating.attributes.cpython_attributes import CPYTHON_GC_GENERATION
from opentelemetry.semconv._incubating.metrics import cpython_metrics, process_metrics

from .measurements import Instruments
from .vocabulary import Metric

LAG_SECONDS = 0.5
"""Interval between two measurements of the event loop's lag."""


def observe_process(meter: Meter) -> None:
    """Create observable metrics of the process, with names from the conventions."""
    process = psutil.Process(os.getpid())

    def cpu(_: CallbackOptions) -> Iterable[Observation]:
        times = process.cpu_times()
        yield Observation(times.user, {CPU_MODE: "user"})
        yield Observation(times.system, {CPU_MODE: "system"})

    def memory(_: CallbackOptions) -> Iterable[Observation]:
        yield Observation(process.memory_info().rss)

    def threads(_: CallbackOptions) -> Iterable[Observation]:
        yield Observation(threading.active_count())

    def files(_: CallbackOptions) -> Iterable[Observation]:
        yield Observation(process.num_fds())

    def collections(_: CallbackOptions) -> Iterable[Observation]:
        for generation, each in enumerate(gc.get_stats()):
            yield Observation(each["collections"], {CPYTHON_GC_GENERATION: generation})

    meter.create_observable_counter(process_metrics.PROCESS_CPU_TIME, [cpu], "s", "CPU time")
    memory_name = process_metrics.PROCESS_MEMORY_USAGE
    meter.create_observable_up_down_counter(memory_name, [memory], "By", "resident memory")
    thread_name = process_metrics.PROCESS_THREAD_COUNT
    meter.create_observable_up_down_counter(thread_name, [threads], "{thread}", "threads")
    if hasattr(process, "num_fds"):
        name = process_metrics.PROCESS_UNIX_FILE_DESCRIPTOR_COUNT
        meter.create_observable_up_down_counter(name, [files], "{file_descriptor}", "open files")
    name = cpython_metrics.CPYTHON_GC_COLLECTIONS
    meter.create_observable_counter(name, [collections], "{collection}", "garbage collections")


@asynccontextmanager
async def observed_loop(instruments: Instruments, metric: Metric) -> AsyncIterator[None]:
    """Measure in the block how late the event loop fires timers."""
    task = asyncio.create_task(_measure_lag(instruments, metric))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _measure_lag(instruments: Instruments, metric: Metric) -> None:
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + LAG_SECONDS
        await asyncio.sleep(LAG_SECONDS)
        instruments.record(metric, max(loop.time() - due, 0.0), {})
