"""Collectors that are measured: each a process of its own, with some parts of the core.

with ExitStack() as stack:
    collector = start(stack, otelcol, with_parts(core, PARTS[:2]), PARTS[1])
    collector.measure(lambda collector: collector.send(batches))
"""

import copy
import os
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import psutil
import yaml

from benchmarks.intake import EXPORT, cpu_seconds
from benchmarks.servers import free_port

PARTS = ("memory_limiter", "transform/normalise", "redaction", "spanmetrics", "tail_sampling")
OVERLAY = ("transform/expose", "transform/restore")
"""What redaction-strict.yaml adds to the core's parts."""
SENDERS = 4
SETTLE_SECONDS = {"tail_sampling": 3.5}
"""Until nothing waits: sampling decides two seconds after a trace's root."""
AT_ONCE = 0.3
ALL_TAKEN = {b"", b"\n\0"}
"""Answers without a partial success, or with an empty one."""


def with_parts(core: Mapping[str, Any], parts: tuple[str, ...]) -> dict[str, Any]:
    """The core with these parts of it and no others on the way of spans."""
    config: dict[str, Any] = copy.deepcopy(dict(core))
    pipelines = config["service"]["pipelines"]
    spans = pipelines["traces/in"]
    spans["processors"] = [each for each in spans["processors"] if each in parts]
    sampled, counted = "tail_sampling" in parts, "spanmetrics" in parts
    spans["exporters"] = ["forward/every_span" if sampled else "nop"]
    if counted:
        spans["exporters"].append("spanmetrics")
    else:
        pipelines["metrics/in"]["receivers"].remove("spanmetrics")
    if not sampled:
        del pipelines["traces/sampling"], pipelines["traces/out"]
    return config


@dataclass(slots=True)
class Collector:
    """A running one; CPU seconds for each 1,000 spans by round."""

    process: psutil.Process
    endpoint: str
    metrics: str
    settle: float
    cpu: list[float] = field(default_factory=list)

    def accepted(self) -> int:
        """Spans that it has taken so far, by its own count."""
        with urllib.request.urlopen(self.metrics) as answer:
            lines = answer.read().decode().splitlines()
        taken = "otelcol_receiver_accepted_spans"
        return sum(int(float(line.split()[-1])) for line in lines if line.startswith(taken))

    def send(self, batches: list[bytes]) -> None:
        """All of them, some at once; one that is refused is an error."""
        with grpc.insecure_channel(self.endpoint) as channel:
            export = channel.unary_unary(EXPORT)
            with ThreadPoolExecutor(SENDERS) as senders:
                for answer in senders.map(export, batches):
                    assert answer in ALL_TAKEN, answer

    def measure(self, send: Callable[["Collector"], None]) -> None:
        """What it takes for whatever is sent, until nothing waits."""
        cpu, before = cpu_seconds(self.process), self.accepted()
        send(self)
        time.sleep(self.settle)
        spent = cpu_seconds(self.process) - cpu
        self.cpu.append(1000 * spent / (self.accepted() - before))


def start(stack: ExitStack, otelcol: str, config: Mapping[str, Any], last: str) -> Collector:
    """One with this configuration, whose last part is `last`, and a page of its own metrics."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    grpc_port, page = free_port(), free_port()
    told = {
        "COLLECTOR_GRPC_PORT": grpc_port,
        "COLLECTOR_HTTP_PORT": free_port(),
        "COLLECTOR_HEALTH_PORT": free_port(),
        "COLLECTOR_METRICS_PORT": page,
        "COLLECTOR_LOG_LEVEL": "error",
        "COLLECTOR_QUEUE": folder / "queue",
        "COLLECTOR_MEMORY_MIB": 4000,
    }
    file = folder / "config.yaml"
    file.write_text(yaml.safe_dump(config), "utf-8")
    variables = {name: str(value) for name, value in told.items()}
    process = subprocess.Popen([otelcol, "--config", file], env=os.environ | variables)
    stack.callback(process.wait)
    stack.callback(process.terminate)
    address = f"127.0.0.1:{grpc_port}"
    with grpc.insecure_channel(address) as channel:
        grpc.channel_ready_future(channel).result(60)
    own, settle = f"http://127.0.0.1:{page}/metrics", SETTLE_SECONDS.get(last, AT_ONCE)
    return Collector(psutil.Process(process.pid), address, own, settle)
