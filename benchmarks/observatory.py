"""What the observatory takes in, and how fast it answers over a million spans.

    python -m benchmarks.observatory [--spans 1000000]

Traces are like the service's own: eight spans, 35 attributes. Intake is one gRPC client's: batches
of an SDK, one at a time, and of a collector, four at a time; CPU is the observatory's alone, until
its merges have settled. Answers come through the front doors, the page's API and ClickHouse's
interface; the last row is the time from a real request's end to its trace on the page.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import psutil

from benchmarks.intake import fill, intake, resident
from benchmarks.report import report
from benchmarks.servers import server

ASKED = 20
PERCENTILES = """
SELECT SpanName, toStartOfMinute(Timestamp) AS minute,
       quantiles(0.5, 0.95, 0.99)(Duration) FROM otel.otel_traces GROUP BY SpanName, minute
"""
SIZE = """
SELECT sum(bytes_on_disk) / sum(rows) FROM system.parts WHERE active AND table = 'otel_traces'
"""


@contextmanager
def observatory(folder: Path) -> Iterator[tuple[dict[str, str], psutil.Process]]:
    """One in a process of its own; its addresses and process."""
    ports = {f"OBSERVATORY_{name}_PORT": "0" for name in ("PAGE", "GRPC", "HTTP", "CLICKHOUSE")}
    process = subprocess.Popen(
        [sys.executable, "-m", "observatory", "serve", "--beside"],
        env={**os.environ, **ports, "OBSERVATORY_DATA": str(folder)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline()), psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(10)


def timed(what: str, limit: int, ask: Callable[[int], object]) -> dict[str, object]:
    """How long ASKED answers take, each to another question."""
    took = []
    for number in range(ASKED):
        started = time.perf_counter()
        ask(number)
        took.append((time.perf_counter() - started) * 1000)
    return {"answer": what, "median ms": median(took), "worst ms": max(took), "limit ms": limit}


def get(url: str) -> bytes:
    """The body of an answer."""
    with urllib.request.urlopen(url) as answer:
        return bytes(answer.read())


def answers(doors: dict[str, str], ids: Sequence[str]) -> list[dict[str, object]]:
    """The questions that the page asks, and the percentiles of a report."""
    page = doors["page"]
    percentiles = doors["clickhouse"] + "/?" + urllib.parse.urlencode({"query": PERCENTILES})
    busy = urllib.parse.quote("http.response.status_code=200")
    return [
        timed("trace by id", 150, lambda n: get(f"{page}/api/traces/{ids[n % len(ids)]}")),
        timed("list of traces, an hour", 300, lambda _: get(f"{page}/api/traces?last=3600")),
        timed("list, by duration", 300, lambda n: get(f"{page}/api/traces?min_ms={90 + n / 4}")),
        timed("list, by attribute", 300, lambda _: get(f"{page}/api/traces?attr={busy}")),
        timed("charts, an hour", 400, lambda _: get(f"{page}/api/charts?last=3600")),
        timed("p50/p95/p99 by name and minute", 400, lambda _: get(percentiles)),
    ]


def to_the_page(doors: dict[str, str], folder: Path) -> float:
    """Seconds from a request's end until the page has its trace."""
    told = {"OTEL_EXPORTER_OTLP_ENDPOINT": doors["otlp"], "VITRINE_WIKIPEDIA__ENABLED": "false"}
    with server("app", {**told, "VITRINE_DATA": str(folder)}, quiet=True) as (port, _):
        took = []
        for number in range(10):
            trace = json.loads(get(f"http://127.0.0.1:{port}/recommend?q=bread+{number}"))[
                "trace_id"
            ]
            ended = time.perf_counter()
            while not found(f"{doors['page']}/api/traces/{trace}"):
                time.sleep(0.01)
            took.append(time.perf_counter() - ended)
    return median(took)


def found(url: str) -> bool:
    """Whether it is there."""
    try:
        get(url)
    except urllib.error.HTTPError:
        return False
    return True


def main() -> None:
    """Measure, and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spans", type=int, default=1_000_000)
    spans = parser.parse_args().spans
    with (
        tempfile.TemporaryDirectory() as folder,
        observatory(Path(folder) / "o") as (doors, process),
    ):
        taken = [
            intake(doors, process, 512, 1, min(spans, 131_072)),
            intake(doors, process, 512, 8, min(spans, 131_072)),
            intake(doors, process, 8192, 4, min(spans, 262_144)),
        ]
        report("observatory-intake", "Intake over gRPC", taken)
        ids = fill(doors, spans)
        size = get(f"{doors['clickhouse']}/?{urllib.parse.urlencode({'query': SIZE})}")
        told = answers(doors, ids)
        shown = to_the_page(doors, Path(folder) / "s") * 1000
        told.append(
            {
                "answer": "request's end to page",
                "median ms": shown,
                "worst ms": "",
                "limit ms": 3000,
            }
        )
        report("observatory-answers", f"Answers over {spans:,} spans and more", told)
        rss = resident(process)
        stored = [{"store": "spans", "bytes per span": float(size), "RSS MB": rss}]
        report("observatory-store", "On disk, and in memory", stored)


if __name__ == "__main__":
    main()
