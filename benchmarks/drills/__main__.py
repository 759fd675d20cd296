"""`make drills` and `make drill FAULT=…`: faults, one after another, and what diagnose says.

Each lane is a service, an observatory and a stand-in for Wikipedia on free ports, with traffic.
Results are appended to benchmarks/results/drills.jsonl job by job; a round that was interrupted
goes on where it ended. The tables go to standard output and to benchmarks/results/.
"""

import json
import tempfile
import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.drills.faults import FAULTS, tuning
from benchmarks.drills.record import CLEAN, Entry, Lane
from benchmarks.drills.score import Result, score
from benchmarks.drills.switched import ALL, SWITCHED
from benchmarks.drills.tables import by_class, by_fault, misses
from benchmarks.report import RESULTS, report

FOUND = RESULTS / "drills.jsonl"
PAIRS = (
    "wikipedia-500+sqlite-read-only", "model-nan+collector-slow", "wikipedia-hangs+model-slow",
    "full-text-truncated+loop-blocked", "wikipedia-empty+sqlite-locked", "hot_client+wikipedia-429",
)  # fmt: skip
SETS = {
    "switched": list(SWITCHED),
    "outside": list(FAULTS),
    "tuning": sorted(tuning()),
    "held-out": sorted(set(FAULTS) - tuning()),
    "two": list(PAIRS),
    "none": [],
}
ALONE = ("cpu-hog", "cpu_hog")
"""Drills that disturb those of other lanes: they run last, in one lane."""
Job = tuple[str, int, int]
"""Fault, seed, and the number of windows (of clean ones)."""


class Round:
    """The jobs that are left, and the file of the results."""

    def __init__(self, jobs: Sequence[Job], seconds: float, path: Path) -> None:
        self.seconds, self.path, self._lock = seconds, path, threading.Lock()
        done = {(each.entry.fault, each.entry.seed) for each in results(path)}
        jobs = [job for job in jobs if job[:2] not in done]
        if not jobs:
            print(f"All of these have results in {path}; delete it to run them again.")
        self._jobs = deque(job for job in jobs if job[0] not in ALONE)
        self._alone = [job for job in jobs if job[0] in ALONE]

    def run(self, lanes: int, rate: float, folder: Path) -> None:
        """Run all jobs in parallel lanes, then those that have to be alone."""
        numbers = range(min(lanes, len(self._jobs)))
        with ThreadPoolExecutor(lanes) as pool:
            running = [pool.submit(self._lane, folder / f"lane{each}", rate) for each in numbers]
        if self._alone:
            self._jobs.extend(self._alone)
            self._lane(folder / "alone", rate)
        for each in running:
            each.result()  # raises what ended a lane

    def _lane(self, folder: Path, rate: float) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        print("Starting a service, an observatory and a search …", flush=True)
        with closing(Lane(folder, rate)) as lane:
            while (job := self._next()) is not None:
                name, seed, count = job
                print(f"{name}: {self.seconds:g} s of baseline, then as long a fault", flush=True)
                if name == CLEAN:
                    entries = list(lane.clean(seed, self.seconds, count))
                else:
                    entries = [lane.drill(name, seed, self.seconds)]
                self._save([score(entry, lane.clickhouse) for entry in entries])

    def _next(self) -> Job | None:
        with self._lock:
            return self._jobs.popleft() if self._jobs else None

    def _save(self, found: Sequence[Result]) -> None:
        """All of a job at once: a job with a result is not run again."""
        text = "".join(f"{json.dumps(each.as_json())}\n" for each in found)
        with self._lock, self.path.open("a") as lines:
            lines.write(text)
        for each in found:
            named = each.suspects[0].split(" >")[0] if each.suspects else "nothing unusual"
            rank = each.rank or "missed"
            print(f"{each.entry.fault} (seed {each.entry.seed}): {rank}; {named}", flush=True)


def main(  # noqa: PLR0913, PLR0917  each is an option of the command
    fault: Annotated[
        list[str] | None, typer.Option(help="only these, and print each diagnosis; A+B: two")
    ] = None,
    chosen: Annotated[str, typer.Option("--set", help=f"one of {', '.join(SETS)}")] = "switched",
    seconds: Annotated[float, typer.Option(help="of the baseline, and of the fault")] = 60,
    seeds: Annotated[int, typer.Option(help="rounds, each with another seed")] = 3,
    clean: Annotated[int, typer.Option(help="windows without a fault, in each round")] = 34,
    lanes: Annotated[int, typer.Option(help="systems under drill at the same time")] = 1,
    rate: Annotated[float, typer.Option(help="requests a second")] = 8,
    keep: Annotated[Path | None, typer.Option(help="folder for data and telemetry")] = None,
    path: Annotated[Path, typer.Option("--results", help="file of the results")] = FOUND,
) -> None:
    """Drive faults, diagnose each, and print the tables."""
    names = fault or SETS.get(chosen)
    unknown = [each for name in names or [] for each in name.split("+") if each not in ALL]
    if names is None or unknown:
        every = "\n  ".join(["", *ALL])
        raise typer.BadParameter(f"no such {'set' if names is None else 'fault'}; faults:{every}")
    RESULTS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        folder = keep or Path(temporary)
        if fault:
            path = Path(temporary) / "results.jsonl"
            Round([(name, 1, 1) for name in names], seconds, path).run(1, rate, folder)
            for each in results(path):
                _print(each)
            return
        jobs: list[Job] = []
        for seed in range(1, seeds + 1):
            jobs += [(name, seed, 1) for name in names]
            jobs += [(CLEAN, seed, clean)] if clean else []
        Round(jobs, seconds, path).run(lanes, rate, folder)
    found = results(path)
    report("drills-classes", "Rank of the true cause", by_class(found))
    report("drills-faults", "Each fault", by_fault(found))
    for line in misses(found):
        print(line)


def results(path: Path) -> list[Result]:
    """The results in a file; empty if there is none."""
    lines = path.read_text().splitlines() if path.exists() else []
    return [Result.of(json.loads(line)) for line in lines]


def _print(result: Result) -> None:
    entry: Entry = result.entry
    print(f"\n{result.text}")
    expected = " · ".join(" or ".join(ALL[each].expected) for each in entry.fault.split("+"))
    path = {True: "right", False: "wrong", None: "not scored"}[result.path]
    print(f"Was on: {entry.fault}. Expected cause: {expected}.")
    print(f"Rank of the true cause: {result.rank or 'missed'}; causal path: {path}.")
    if result.found_after is not None:
        print(f"Diagnosed after {result.found_after:g} s.")
    alerts = [f"{title} (after {after:g} s)" for title, after in result.alerts.items()]
    print(f"Alert rules whose condition was met: {', '.join(alerts) or 'none'}.")
    if entry.failure:
        print(f"Failed: {entry.failure}")


if __name__ == "__main__":
    typer.run(main)
