"""The observatory's intake rate, and its query latency over a million spans.

    python -m benchmarks.observatory [--spans 1000000]

Traces resemble the service's own: eight spans, 35 attributes. Intake: one gRPC client sends batches
as an SDK does (one at a time) and as a Collector does (four at a time); CPU is the observatory's
alone, including its merges afterwards. Queries use the page's API and the ClickHouse interface. The
last row is the time from the end of a real request until its trace is on the page.
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

REPEATS = 20
PERCENTILES = """
SELECT SpanName, toStartOfMinute(Timestamp) AS minute,
       quantiles(0.5, 0.95, 0.99)(Duration) FROM otel.otel_traces GROUP BY SpanName, minute
"""
FEWEST = 10_000
"""Spans that are stored after those of the measured intakes."""
STORED = "SELECT count() FROM otel.otel_traces"
SIZE = """
SELECT sum(bytes_on_disk) / sum(rows) FROM system.parts WHERE active AND table = 'otel_traces'
"""


@contextmanager
def observatory(folder: Path) -> Iterator[tuple[dict[str, str], psutil.Process]]:
    """Run the observatory in a separate process; its URLs and the process."""
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


def timed(
    what: str, limit: int, query: Callable[[int], object], repeats: int = REPEATS
) -> dict[str, object]:
    """Latency of calls of `query`, which gets the number of the call."""
    took = []
    for number in range(repeats):
        started = time.perf_counter()
        query(number)
        took.append((time.perf_counter() - started) * 1000)
    return {"answer": what, "median ms": median(took), "worst ms": max(took), "limit ms": limit}


def get(url: str) -> bytes:
    """The body of a response."""
    with urllib.request.urlopen(url) as answer:
        return bytes(answer.read())


def answer(urls: dict[str, str], sql: str) -> bytes:
    """The only value that a statement returns."""
    return get(f"{urls['clickhouse']}/?{urllib.parse.urlencode({'query': sql})}")


def queries(urls: dict[str, str], ids: Sequence[str]) -> list[dict[str, object]]:
    """The page's queries, and the percentiles of a report."""
    page = urls["page"]
    percentiles = urls["clickhouse"] + "/?" + urllib.parse.urlencode({"query": PERCENTILES})
    busy = urllib.parse.quote("http.response.status_code=200")
    return [
        timed("trace by id", 150, lambda n: get(f"{page}/api/traces/{ids[n % len(ids)]}")),
        timed("list of traces, an hour", 300, lambda _: get(f"{page}/api/traces?last=3600")),
        timed("list, by duration", 300, lambda n: get(f"{page}/api/traces?min_ms={90 + n / 4}")),
        timed("list, by attribute", 300, lambda _: get(f"{page}/api/traces?attr={busy}")),
        timed("charts, an hour", 400, lambda _: get(f"{page}/api/charts?last=3600")),
        timed("heat map, an hour", 1000, lambda _: get(f"{page}/api/heatmap?last=3600")),
        timed("groups by route", 1000, lambda _: get(f"{page}/api/groups?last=3600&by=route")),
        timed("time spent by the slowest 1 %", 1000, lambda _: get(f"{page}/api/time-spent")),
        timed("compare with the rest", 3000, lambda _: get(f"{page}/api/compare?min_ms=90"), 5),
        timed("p50/p95/p99 by name and minute", 400, lambda _: get(percentiles)),
    ]


def trace_delay(urls: dict[str, str], folder: Path) -> float:
    """Seconds from a request's end until the page has its trace."""
    settings = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": urls["otlp"],
        "VITRINE_WIKIPEDIA__ENABLED": "false",
        "VITRINE_DATA": str(folder),
    }
    with server("app", settings, quiet=True) as (port, _):
        took = []
        for number in range(10):
            trace = json.loads(get(f"http://127.0.0.1:{port}/recommend?q=bread+{number}"))[
                "trace_id"
            ]
            ended = time.perf_counter()
            while not found(f"{urls['page']}/api/traces/{trace}"):
                time.sleep(0.01)
            took.append(time.perf_counter() - ended)
    return median(took)


def found(url: str) -> bool:
    """Whether the URL answers without an error."""
    try:
        get(url)
    except urllib.error.HTTPError:
        return False
    return True


def main() -> None:
    """Measure, print the tables, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spans", type=int, default=1_000_000)
    spans = parser.parse_args().spans
    with (
        tempfile.TemporaryDirectory() as folder,
        observatory(Path(folder) / "o") as (urls, process),
    ):
        intakes = [
            intake(urls, process, 512, 1, min(spans, 131_072)),
            intake(urls, process, 512, 8, min(spans, 131_072)),
            intake(urls, process, 8192, 4, min(spans, 262_144)),
        ]
        report("observatory-intake", "Intake over gRPC", intakes)
        ids = fill(urls, max(FEWEST, spans - int(answer(urls, STORED))))
        size = answer(urls, SIZE)
        rows = queries(urls, ids)
        shown = trace_delay(urls, Path(folder) / "s") * 1000
        rows.append(
            {
                "answer": "request's end to page",
                "median ms": shown,
                "worst ms": "",
                "limit ms": 3000,
            }
        )
        title = f"Query latency over {int(answer(urls, STORED)):,} spans"
        report("observatory-answers", title, rows)
        rss = resident(process)
        stored = [{"store": "spans", "bytes per span": float(size), "RSS MB": rss}]
        report("observatory-store", "Size on disk and in memory", stored)


if __name__ == "__main__":
    main()
