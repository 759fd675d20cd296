"""Cost of telemetry: this service, the same without telemetry, and with the usual set-up.

    python -m benchmarks.telemetry [--seconds 4] [--connections 8] [--rounds 5]

Paired: in each round every system is loaded in turn, and figures are medians over the rounds. All
signals are on and every request is sampled; a receiver on the same machine accepts everything. CPU
is that of the service's process, divided by its requests. The catalogue is the seed catalogue, and
the topic signal is cached: a request has eight spans with the answer cache off, three with it on.
"""

import argparse
import json
import os
import shutil
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from app.catalogue.seeding import seed
from app.composition import open_catalogue
from app.model.judged import seed_queries
from benchmarks.load import load, post
from benchmarks.report import report
from benchmarks.servers import server

WARM_UP_SECONDS = 2
SETTLE_SECONDS = 6
"""Time until queued telemetry is sent (the SDK's default delay is 5 s); it is part of the cost."""
TICKS = os.sysconf("SC_CLK_TCK")
NOTHING_SENT = {f"OTEL_{each}_EXPORTER": "none" for each in ("TRACES", "METRICS", "LOGS")}
SYSTEMS: dict[str, tuple[str, dict[str, str]]] = {
    "off": ("app", {"VITRINE_TELEMETRY__ENABLED": "false"}),
    "usual": ("usual", {}),
    "vitrine": ("app", {}),
}
PARTS: dict[str, tuple[str, dict[str, str]]] = {
    "stock SDK": ("app", {"VITRINE_TELEMETRY__SDK": "stock"}),
    "without console logs": ("app", {"VITRINE_TELEMETRY__LOGS": "off"}),
    "without spans": ("app", {"OTEL_TRACES_SAMPLER": "always_off"}),
    "nothing sent": ("app", NOTHING_SENT | {"VITRINE_TELEMETRY__LOGS": "off"}),
}
"""The service with the other SDK, or with one part of telemetry off; for the first workload."""
GOALS = "goals (answer cache off): added CPU at most 0.5 of usual, with the stock SDK 1.2"


@dataclass(slots=True)
class System:
    """A running service; its CPU seconds, bytes, requests per second and latencies by round."""

    port: int
    process: int
    sink: Path
    cpu: list[float] = field(default_factory=list)
    sent: list[float] = field(default_factory=list)
    rate: list[float] = field(default_factory=list)
    p50: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)

    def measure(self, bodies: list[bytes], connections: int, seconds: float) -> None:
        """Run the load once and add its figures."""
        cpu, sent = cpu_seconds(self.process), self._received()
        measured = load(self.port, bodies, connections, seconds)
        time.sleep(SETTLE_SECONDS)
        if measured.failed:
            raise RuntimeError(f"{measured.failed} requests failed")
        requests = measured.rate * seconds
        self.cpu.append((cpu_seconds(self.process) - cpu) / requests)
        self.sent.append((self._received() - sent) / requests)
        self.rate.append(measured.rate)
        self.p50.append(measured.p50)
        self.p99.append(measured.p99)

    def _received(self) -> int:
        return int(self.sink.read_text() or 0) if self.sink.exists() else 0


def cpu_seconds(process: int) -> float:
    """User and system time of a process so far."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def start(
    stack: ExitStack, name: str, folder: Path, common: Mapping[str, str], work: Path
) -> System:
    """Start a service with its own copy of the catalogue and its own receiver."""
    data, sink = work / f"{name}-data", work / f"{name}-sink"
    shutil.copytree(folder, data)
    collector, _ = stack.enter_context(server("sink", {"SINK": str(sink)}))
    what, changes = (SYSTEMS | PARTS)[name]
    environment = {
        **common,
        "VITRINE_DATA": str(data),
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector}",
        **changes,
    }
    port, process = stack.enter_context(server(what, environment, quiet=True))
    return System(port, process, sink)


def table(workload: str, systems: Mapping[str, System]) -> list[dict[str, object]]:
    """One row for each system; added CPU is the difference to `off`, by round."""
    off, usual = systems["off"], systems["usual"]
    rows: list[dict[str, object]] = []
    for name, each in systems.items():
        added = [mine - base for mine, base in zip(each.cpu, off.cpu, strict=True)]
        most = [mine - base for mine, base in zip(usual.cpu, off.cpu, strict=True)]
        shares = [mine / base for mine, base in zip(added, most, strict=True)]
        rates = [mine / base for mine, base in zip(each.rate, off.rate, strict=True)]
        rows.append(
            {
                "workload": workload,
                "telemetry": name,
                "requests/s": round(median(each.rate)),
                "of off": round(median(rates), 2),
                "CPU us": round(1e6 * median(each.cpu)),
                "added us": round(1e6 * median(added)),
                "of usual": round(median(shares), 2),
                "bytes": round(median(each.sent)),
                "p50 ms": round(1e3 * median(each.p50), 2),
                "p99 ms": round(1e3 * median(each.p99), 2),
            }
        )
    return rows


def main() -> None:
    """Measure, print the table, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    texts = [each.text for split in ("tune", "test") for each in seed_queries(split)]
    asked = [post("/recommend", json.dumps({"query": text}).encode()) for text in texts]
    rows: list[dict[str, object]] = []
    for workload, cache_bytes in (("answer cache off", "0"), ("answer cache on", "33554432")):
        with ExitStack() as stack:
            work = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            folder = work / "seed"
            catalogue = open_catalogue(folder)
            with closing(catalogue.database):
                seed(catalogue, folder, lambda _: None)
            wikipedia, _ = stack.enter_context(server("wikipedia", {}))
            common = {
                "VITRINE_WIKIPEDIA__BASE_URL": f"http://127.0.0.1:{wikipedia}/",
                "VITRINE_ANSWERS_BYTES": cache_bytes,
                "VITRINE_LIMITS__REQUESTS_PER_SECOND": "1000000",
                "VITRINE_LIMITS__BURST": "1000000",
            }
            names = (*SYSTEMS, *PARTS) if cache_bytes == "0" else SYSTEMS
            systems = {name: start(stack, name, folder, common, work) for name in names}
            for each in systems.values():
                load(each.port, asked, given.connections, WARM_UP_SECONDS)
            for _ in range(given.rounds):
                for each in systems.values():
                    each.measure(asked, given.connections, given.seconds)
            rows += table(workload, systems)
    report("telemetry", f"cost of telemetry; {GOALS}", rows)


if __name__ == "__main__":
    main()
