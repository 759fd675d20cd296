"""Drives drills: a baseline, a fault, a recovery. Each has its own seed."""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from random import Random

import httpx

from benchmarks.drills.switched import ALL
from benchmarks.drills.traffic import Traffic
from benchmarks.drills.world import World

CLEAN = "clean"
"""Name of a drill without a fault."""
SETTLE = 10
"""Seconds after a fault that belong to neither window: caches and circuits recover."""
EXPORT = 3
"""Seconds until the last telemetry is stored."""
WARM = 10
"""Seconds of traffic before the first baseline: the first requests are slow."""
PATIENCE = 20
"""Seconds after a fault in which the service must answer again."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What was done: Unix times in nanoseconds. `fault`: names joined by +, or CLEAN."""

    fault: str
    seed: int
    base: int
    start: int
    end: int
    failure: str = ""
    lane: str = ""
    """Name of the folder of its telemetry, if that is kept."""


class Lane:
    """One system under drill with its traffic; drills run in it one after another."""

    def __init__(self, folder: Path, rate: float) -> None:
        self.world = World(folder)
        self.traffic = Traffic(self.world.port, 0)
        self.traffic.rate = rate
        time.sleep(WARM)

    @property
    def clickhouse(self) -> str:
        """URL of the ClickHouse interface of the lane's observatory."""
        return f"http://127.0.0.1:{self.world.clickhouse}"

    def clean(self, seed: int, seconds: float, count: int) -> Iterator[Entry]:
        """Windows without a fault; the baseline of each is the window before it."""
        self.traffic.random = Random(f"{CLEAN} {seed}")
        times = [time.time_ns()]
        for _ in range(count + 1):
            time.sleep(seconds)
            times.append(time.time_ns())
        time.sleep(EXPORT)
        for at in range(count):
            base, start, end = times[at : at + 3]
            yield Entry(CLEAN, seed, base, start, end, lane=self.world.folder.name)

    def drill(self, name: str, seed: int, seconds: float) -> Entry:
        """A baseline, then the fault, or two whose names are joined by +."""
        self.traffic.random = Random(f"{name} {seed}")
        self.world.window = seconds
        base = time.time_ns()
        time.sleep(seconds)
        start, failure = time.time_ns(), ""
        with ExitStack() as stack:
            try:
                for each in name.split("+"):
                    ALL[each].inject(self.world, self.traffic, stack)
            except Exception as error:  # noqa: BLE001  the round goes on, the result says so
                failure = repr(error)
            time.sleep(max(0.0, seconds - (time.time_ns() - start) / 1e9))
            end = time.time_ns()
            time.sleep(EXPORT)
        start = self._begin(start) or start
        failure = failure or self._recover()
        time.sleep(SETTLE)
        return Entry(name, seed, base, start, end, failure, self.world.folder.name)

    def close(self) -> None:
        """End the traffic and both processes."""
        self.traffic.running = False
        self.traffic.join(15)
        self.world.close()

    def _begin(self, after: int) -> int | None:
        """When the ledger of `app/faults` says that it began; None if it has no entry."""
        path = self.world.data / "faults.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        began = [int(each["began"] * 1e9) for each in map(json.loads, lines) if "began" in each]
        return min((each for each in began if each >= after), default=None)

    def _recover(self) -> str:
        """Wait until the service answers; if it does not, restart it and return what happened."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                httpx.get(f"http://127.0.0.1:{self.world.port}/livez", timeout=5)
            except httpx.HTTPError:
                time.sleep(0.5)
            else:
                return ""
        self.world.restart(fresh=True)
        time.sleep(WARM)
        return "the service did not answer after the fault"
