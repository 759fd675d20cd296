"""Load for the observatory, and the cost of its intake.

Traces resemble the service's own: eight spans, 35 attributes.
"""

import random
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import psutil
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

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
"""Seconds over which the traces' start times are spread."""
SETTLE_SECONDS = 5


def message(traces: int, rng: random.Random) -> tuple[bytes, str]:
    """An export request with `traces` traces, and the id of one of them."""
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


def intake(
    urls: dict[str, str], process: psutil.Process, batch: int, at_once: int, spans: int
) -> dict[str, object]:
    """Send `spans` spans in batches, `at_once` batches at a time; a row of the table."""
    rng = random.Random(batch)
    batches = [message(batch // len(NAMES), rng)[0] for _ in range(spans // batch)]
    before = cpu_seconds(process)
    with grpc.insecure_channel(urls["otlp"].removeprefix("http://")) as channel:
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
        "CPU us per span": (cpu_seconds(process) - before) / sent * 1e6,
        "RSS MB": resident(process),
    }


def cpu_seconds(process: psutil.Process) -> float:
    """CPU time of the observatory and its engine so far, user and system."""
    times = [each.cpu_times() for each in family(process)]
    return float(sum(each.user + each.system for each in times))


def family(process: psutil.Process) -> list[psutil.Process]:
    """A process and its descendants."""
    return [process, *process.children(recursive=True)]


def resident(process: psutil.Process) -> float:
    """Megabytes of memory of the observatory and its engine."""
    return float(sum(each.memory_info().rss for each in family(process)) / (1 << 20))


def fill(urls: dict[str, str], spans: int) -> list[str]:
    """Store `spans` more spans; the ids of some of their traces."""
    rng = random.Random(1)
    ids = []
    with grpc.insecure_channel(urls["otlp"].removeprefix("http://")) as channel:
        export = channel.unary_unary(EXPORT)
        for _ in range(spans // 8000):
            batch, trace = message(1000, rng)
            export(batch)
            ids.append(trace)
    return ids
