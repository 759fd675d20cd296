"""CPU of the Collector's core for a span, in total and for each of its components.

    python -m benchmarks.collector [--otelcol PATH] [--spans 36000] [--rounds 3]

The first configuration has only a receiver and an exporter that discards everything. Each further
one adds the next component of otel-collector-config.yaml, in the order of its pipelines; the last
one is the whole core. Then collector/redaction-strict.yaml is merged over it. The spans are
recorded from the service (benchmarks/recorded.py) and sent in batches of 512 by four senders;
afterwards upstream's telemetrygen sends its own in batches of 100. CPU is that of the Collector's
process, so other work on the machine is not counted, although it makes caches cold. The cost of a
component is the median over the rounds, so the column need not add up.
"""

import argparse
import os
import random
import shutil
import subprocess
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from benchmarks.collectors import OVERLAY, PARTS, Collector, start, with_parts
from benchmarks.recorded import Trace, batch, recorded
from benchmarks.report import report
from benchmarks.servers import resident_megabytes
from collector.merging import STRICT, merged

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vitrine"
TELEMETRYGEN = "github.com/open-telemetry/opentelemetry-collector-contrib/cmd/telemetrygen@v0.149.0"
BARE = "receiver, exporter"
BATCH = 512
RATE = 12_000
"""Spans a second of telemetrygen, which drops some without a limit."""


def telemetrygen() -> str | None:
    """Upstream's load generator, built once; None without Go."""
    built = CACHE / "telemetrygen" / "telemetrygen"
    if not built.is_file():
        if not shutil.which("go"):
            return None
        variables = {"GOBIN": str(built.parent), "CGO_ENABLED": "0", "GOFLAGS": "-mod=mod"}
        subprocess.run(["go", "install", TELEMETRYGEN], env=os.environ | variables, check=True)
    return str(built)


def generated(generator: str, traces: int) -> Callable[[Collector], None]:
    """Sends traces of eight spans with upstream's generator."""
    command = [generator, "traces", "--otlp-insecure", f"--traces={traces}", "--child-spans=7"]

    def send(collector: Collector) -> None:
        where = [f"--otlp-endpoint={collector.endpoint}", f"--rate={RATE}"]
        subprocess.run(command + where, check=True, capture_output=True)

    return send


def table(collectors: Mapping[str, Collector]) -> list[dict[str, object]]:
    """One row for each configuration: its CPU, and the difference to the configuration before."""
    bare, rows = next(iter(collectors.values())).cpu, []
    before = bare
    for name, each in collectors.items():
        added = [mine - others for mine, others in zip(each.cpu, before, strict=True)]
        ratios = [mine / others for mine, others in zip(each.cpu, bare, strict=True)]
        rows.append(
            {
                "configuration": name,
                "spans/s per core": round(1000 / median(each.cpu)),
                "CPU ms/1,000": round(1000 * median(each.cpu), 1),
                "added ms": round(1000 * median(added), 1),
                "of bare": round(median(ratios), 1),
                "RSS MB": round(resident_megabytes(each.process.pid)),
            }
        )
        before = each.cpu
    return rows


def in_turn(
    collectors: Mapping[str, Collector], rounds: int, send: Callable[[Collector], None]
) -> list[dict[str, object]]:
    """In each round, every Collector receives the same load."""
    for each in collectors.values():
        each.cpu.clear()
    for _ in range(rounds):
        for each in collectors.values():
            each.measure(send)
    return table(collectors)


def measured(otelcol: str, traces: list[Trace], spans: int, rounds: int) -> list[dict[str, object]]:
    """The rows of all configurations, which run in parallel."""
    core, rng = merged(), random.Random(1)
    assert with_parts(core, PARTS) == core, "PARTS differs from the core's components"
    share = BATCH // traces[0].spans
    batches = [batch(rng.choices(traces, k=share), rng) for _ in range(spans // BATCH)]
    with ExitStack() as stack:
        collectors = {BARE: start(stack, otelcol, with_parts(core, ()), BARE)}
        for at, part in enumerate(PARTS):
            config = with_parts(core, PARTS[: at + 1])
            collectors[f"+ {part}"] = start(stack, otelcol, config, part)
        strict = with_parts(merged(STRICT), (*PARTS, *OVERLAY))
        collectors[f"+ {STRICT}.yaml"] = start(stack, otelcol, strict, PARTS[-1])
        for each in collectors.values():
            each.send(batches[:8])
        rows = in_turn(collectors, rounds, lambda collector: collector.send(batches))
        if generator := telemetrygen():
            ends = {
                "telemetrygen: bare": collectors[BARE],
                "telemetrygen: core": collectors[f"+ {PARTS[-1]}"],
            }
            rows += in_turn(ends, rounds, generated(generator, spans // 8))
    return rows


def main() -> None:
    """Measure, print the table, write the JSON."""
    named, built = os.environ.get("OTELCOL"), sorted((CACHE / "collector").glob("*/otelcol"))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--otelcol", default=named or (built[-1] if built else None))
    parser.add_argument("--spans", type=int, default=36_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    if not given.otelcol:
        parser.error("Collector not found; build it: make collector")
    traces = recorded()
    rows = measured(str(given.otelcol), traces, given.spans, given.rounds)
    about = f"{traces[0].spans} spans and {traces[0].attributes} attributes a trace"
    busy = f"load average {os.getloadavg()[0]:.0f} on {os.cpu_count()} cores"
    report("collector", f"CPU of the Collector; {about}; {busy}", rows)


if __name__ == "__main__":
    main()
