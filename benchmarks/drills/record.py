"""Record drills: baseline, fault, recovery, one fault after another, with a ledger of the truth."""

import json
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from random import Random

from benchmarks.drills.score import Result, score
from benchmarks.drills.switched import ALL
from benchmarks.drills.traffic import Traffic
from benchmarks.drills.world import World

SETTLE = 4
"""Seconds after a fault that belong to neither window: caches and circuits recover."""
EXPORT = 3
"""Seconds until the last telemetry is stored."""
WARM = 8
"""Seconds of traffic before the first baseline: the first requests are slow."""


def record(
    folder: Path, names: Sequence[str], seconds: float, seed: int, clean: int
) -> list[Result]:
    """Drive the faults in a random order, and `clean` windows without one; then score them."""
    world = World(folder)
    traffic = Traffic(world.port, seed)
    order = [*names, *["clean"] * clean]
    Random(seed).shuffle(order)
    ledger = folder / "ledger.jsonl"
    try:
        time.sleep(WARM)
        for name in order:
            _drill(world, traffic, ledger, name, seconds)
        return score(ledger, f"http://127.0.0.1:{world.clickhouse}")
    finally:
        traffic.running = False
        traffic.join(15)
        world.close()


def _drill(world: World, traffic: Traffic, ledger: Path, name: str, seconds: float) -> None:
    base = time.time_ns()
    time.sleep(seconds)
    start, failure = time.time_ns(), ""
    with ExitStack() as stack:
        try:
            if name != "clean":
                ALL[name].inject(world, traffic, stack)
        except Exception as error:  # noqa: BLE001  the round goes on, the ledger says so
            failure = repr(error)
        time.sleep(max(0.0, seconds - (time.time_ns() - start) / 1e9))
        entry = {"fault": name, "base": base, "start": start, "end": time.time_ns()}
        time.sleep(EXPORT)
    with ledger.open("a") as lines:
        print(json.dumps(entry | {"failure": failure}), file=lines)
    print(time.strftime("%H:%M:%S"), name, failure, flush=True)
    time.sleep(SETTLE)
