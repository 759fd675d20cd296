"""Metrics of the process: CPU, memory, threads, files, garbage collection, event-loop lag, limits,
and what happens before a request's span: waiting for a CPU, pauses, a full accept queue."""

import asyncio
import gc
import os
import resource
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import psutil
from opentelemetry.metrics import CallbackOptions, Meter, Observation
from opentelemetry.semconv._incubating.attributes.cpu_attributes import CPU_MODE
from opentelemetry.semconv._incubating.attributes.cpython_attributes import CPYTHON_GC_GENERATION
from opentelemetry.semconv._incubating.metrics import cpython_metrics, process_metrics

from .measurements import Instruments
from .vocabulary import CoreNames, Metric

LAG_SECONDS = 0.5
"""Interval between two measurements of the event loop's lag, and of pauses of the process."""
PROC = Path("/proc")
Limited = Callable[[], int | None]
"""The used amount of something limited; None: not known now."""


class Limits:
    """Observes limited resources: the used amount beside its limit, by the resource's name."""

    def __init__(self, instruments: Instruments, core: CoreNames) -> None:
        self._core = core
        self._resources: dict[str, tuple[Limited, Limited]] = {}
        instruments.observe(core.used, self._used)
        instruments.observe(core.limit, self._limit)

    def observe(self, name: str, used: Limited, limit: Limited) -> None:
        """Observe a resource; `name` is declared in the vocabulary."""
        self._resources[name] = used, limit

    def _used(self, _: CallbackOptions) -> Iterable[Observation]:
        return self._observations(0)

    def _limit(self, _: CallbackOptions) -> Iterable[Observation]:
        return self._observations(1)

    def _observations(self, which: int) -> Iterable[Observation]:
        for name, read in list(self._resources.items()):
            if (value := read[which]()) is not None:
                yield Observation(value, {self._core.resource: name})


def open_files() -> int | None:
    """Number of open file descriptors; None where the system does not tell."""
    process = psutil.Process()
    return process.num_fds() if hasattr(process, "num_fds") else None


def most_open_files() -> int | None:
    """The limit of open file descriptors; None: unlimited."""
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if most == resource.RLIM_INFINITY else most


def run_queue_seconds(thread: int) -> float | None:
    """Seconds that a thread of this process was ready to run and waited for a CPU (Linux).

    https://docs.kernel.org/scheduler/sched-stats.html#proc-pid-schedstat
    """
    try:
        return int((PROC / f"self/task/{thread}/schedstat").read_text().split()[1]) / 1e9
    except (OSError, IndexError, ValueError):
        return None


def accept_overflows() -> int | None:
    """Connections that the kernel dropped at full accept queues, in this network namespace."""
    try:
        rows = (PROC / "net/netstat").read_text().splitlines()
        names, values = (each.split() for each in rows if each.startswith("TcpExt:"))
        return int(values[names.index("ListenDrops")])
    except (OSError, ValueError):
        return None


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
        yield Observation(process.num_threads())  # with those of libraries in C

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


def observe_surroundings(instruments: Instruments, core: CoreNames) -> None:
    """Observe what a process can't see in its own spans: a full accept queue and a set clock."""
    started = time.time() - time.monotonic()

    def overflows(_: CallbackOptions) -> Iterable[Observation]:
        if (count := accept_overflows()) is not None:
            yield Observation(count)

    def drift(_: CallbackOptions) -> Iterable[Observation]:
        yield Observation(time.time() - time.monotonic() - started)

    instruments.observe(core.overflows, overflows)
    instruments.observe(core.clock_drift, drift)


@asynccontextmanager
async def observed_loop(instruments: Instruments, core: CoreNames) -> AsyncIterator[None]:
    """Measure in the block how late the event loop fires timers, how long its thread waits for a
    CPU, and whether the whole process pauses."""
    thread = threading.get_native_id()

    def waited(_: CallbackOptions) -> Iterable[Observation]:
        if (seconds := run_queue_seconds(thread)) is not None:
            yield Observation(seconds)

    instruments.observe(core.run_queue, waited)
    task = asyncio.create_task(_measure_lag(instruments, core.loop_lag))
    try:
        with _observed_pauses(instruments, core.pause):
            yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@contextmanager
def _observed_pauses(instruments: Instruments, metric: Metric) -> Iterator[None]:
    """Measure in the block how late a timer fires in a thread that does nothing else."""
    ended = threading.Event()
    thread = threading.Thread(
        target=_measure_pauses, args=(instruments, metric, ended), name="pauses", daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        ended.set()


def _measure_pauses(instruments: Instruments, metric: Metric, ended: threading.Event) -> None:
    thread = threading.get_native_id()
    due = time.monotonic() + LAG_SECONDS
    queued = run_queue_seconds(thread) or 0.0
    while not ended.wait(LAG_SECONDS):
        late, now = time.monotonic() - due, run_queue_seconds(thread) or 0.0
        instruments.record(metric, max(late - (now - queued), 0.0), {})
        due, queued = time.monotonic() + LAG_SECONDS, now


async def _measure_lag(instruments: Instruments, metric: Metric) -> None:
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + LAG_SECONDS
        await asyncio.sleep(LAG_SECONDS)
        instruments.record(metric, max(loop.time() - due, 0.0), {})
