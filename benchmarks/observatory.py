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
import random
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import grpc
import psutil
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from benchmarks.report import report
from benchmarks.servers import resident_megabytes, server

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
NAMES = (
    "POST /recommend",
    "analyze query",
    "retrieve candidates",
    "SELECT",
    "SELECT",
    "score candidates",
    "fetch topic signal",
    "rank candidates",
)
SPREAD = 3600
"""Seconds over which the traces lie."""
SETTLE_SECONDS = 5
ASKED = 20
PERCENTILES = """
SELECT SpanName, toStartOfMinute(Timestamp) AS minute,
       quantiles(0.5, 0.95, 0.99)(Duration) FROM otel.otel_traces GROUP BY SpanName, minute
"""


def message(traces: int, rng: random.Random) -> tuple[bytes, str]:
    """An export request of so many traces, and the id of one of them."""
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    for name in ("service.name", "service.version", "service.instance.id", "host.name"):
        group.resource.attributes.add(key=name).value.string_value = f"vitrine-{name}"
    scope = group.scope_spans.add()
    scope.scope.name = "vitrine"
    trace = b""
    for _ in range(traces):
        trace = rng.randbytes(16)
        start = time.time_ns() - rng.randrange(SPREAD * 10**9)
        for place, name in enumerate(NAMES):
            _span(scope.spans.add(), rng, trace, place, name, start)
    return request.SerializeToString(), trace.hex()


def _span(span: Any, rng: random.Random, trace: bytes, place: int, name: str, start: int) -> None:
    span.trace_id, span.span_id = trace, (place + 1).to_bytes(8, "big")
    if place:
        span.parent_span_id = (1).to_bytes(8, "big")
    span.name, span.kind = name, 2 if place == 0 else 3 if name == "SELECT" else 1
    span.start_time_unix_nano = start + place * 10**6
    span.end_time_unix_nano = span.start_time_unix_nano + rng.randrange(10**5, 10**8)
    for number in range(4):
        span.attributes.add(key=f"vitrine.{name}.{number}").value.int_value = rng.randrange(1000)
    if place == 0:
        for key, value in (("http.route", "/recommend"), ("http.request.method", "POST")):
            span.attributes.add(key=key).value.string_value = value
        span.attributes.add(key="http.response.status_code").value.int_value = 200


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


def intake(
    doors: dict[str, str], process: psutil.Process, batch: int, at_once: int, spans: int
) -> dict[str, object]:
    """Send so many spans in batches, so many batches at once."""
    rng = random.Random(batch)
    batches = [message(batch // len(NAMES), rng)[0] for _ in range(spans // batch)]
    before = cpu_seconds(process)
    with grpc.insecure_channel(doors["otlp"].removeprefix("http://")) as channel:
        export = channel.unary_unary(EXPORT)
        started = time.perf_counter()
        with ThreadPoolExecutor(at_once) as clients:
            for answer in clients.map(export, batches):
                assert not answer, answer
        seconds = time.perf_counter() - started
    time.sleep(SETTLE_SECONDS)
    sent = len(batches) * batch
    return {
        "intake": f"batches of {batch:,}, {at_once} at a time",
        "spans/s": sent / seconds,
        "CPU ms per 1,000": (cpu_seconds(process) - before) / sent * 1e6,
        "RSS MB": resident_megabytes(process.pid),
    }


def cpu_seconds(process: psutil.Process) -> float:
    """What the process has taken so far, kernel's share included."""
    times = process.cpu_times()
    return float(times.user + times.system)


def fill(doors: dict[str, str], spans: int) -> list[str]:
    """Store so many more; ids of some of their traces."""
    rng = random.Random(1)
    ids = []
    with grpc.insecure_channel(doors["otlp"].removeprefix("http://")) as channel:
        export = channel.unary_unary(EXPORT)
        for _ in range(spans // 8000):
            batch, trace = message(1000, rng)
            export(batch)
            ids.append(trace)
    return ids


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
        size = get(
            doors["clickhouse"]
            + "/?query="
            + urllib.parse.quote(
                "SELECT sum(bytes_on_disk) / sum(rows) FROM system.parts "
                "WHERE active AND table = 'otel_traces'"
            )
        )
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
        rss = resident_megabytes(process.pid)
        stored = [{"store": "spans", "bytes per span": float(size), "RSS MB": rss}]
        report("observatory-store", "On disk, and in memory", stored)


if __name__ == "__main__":
    main()
