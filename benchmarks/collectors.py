"""The Collectors to measure: each a separate process with some components of the core.

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
"""Components that redaction-strict.yaml adds to the core's."""
SENDERS = 4
SETTLE_SECONDS = {"tail_sampling": 3.5}
"""Time until everything is processed: sampling decides two seconds after a trace's root span."""
DEFAULT_SETTLE_SECONDS = 0.3
ALL_ACCEPTED = {b"", b"\n\0"}
"""Responses without a partial success, or with an empty one."""


def with_parts(core: Mapping[str, Any], parts: tuple[str, ...]) -> dict[str, Any]:
    """The core with only these components in the pipelines of spans."""
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
    """A running Collector; `cpu`: CPU seconds for each 1,000 spans, by round."""

    process: psutil.Process
    endpoint: str
    metrics: str
    settle: float
    cpu: list[float] = field(default_factory=list)

    def accepted(self) -> int:
        """Spans accepted so far, by the Collector's own count."""
        with urllib.request.urlopen(self.metrics) as answer:
            lines = answer.read().decode().splitlines()
        metric = "otelcol_receiver_accepted_spans"
        return sum(int(float(line.split()[-1])) for line in lines if line.startswith(metric))

    def send(self, batches: list[bytes]) -> None:
        """Send all batches, several at a time. A refused batch raises an error."""
        with grpc.insecure_channel(self.endpoint) as channel:
            export = channel.unary_unary(EXPORT)
            with ThreadPoolExecutor(SENDERS) as senders:
                for answer in senders.map(export, batches):
                    assert answer in ALL_ACCEPTED, answer

    def measure(self, send: Callable[["Collector"], None]) -> None:
        """Add the CPU that `send` causes, until everything is processed."""
        cpu, before = cpu_seconds(self.process), self.accepted()
        send(self)
        time.sleep(self.settle)
        spent = cpu_seconds(self.process) - cpu
        self.cpu.append(1000 * spent / (self.accepted() - before))


def start(stack: ExitStack, otelcol: str, config: Mapping[str, Any], last: str) -> Collector:
    """Start a Collector with this configuration, whose last component is `last`."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    grpc_port, metrics_port = free_port(), free_port()
    settings = {
        "COLLECTOR_GRPC_PORT": grpc_port,
        "COLLECTOR_HTTP_PORT": free_port(),
        "COLLECTOR_HEALTH_PORT": free_port(),
        "COLLECTOR_METRICS_PORT": metrics_port,
        "COLLECTOR_LOG_LEVEL": "error",
        "COLLECTOR_QUEUE": folder / "queue",
        "COLLECTOR_MEMORY_MIB": 4000,
    }
    file = folder / "config.yaml"
    file.write_text(yaml.safe_dump(config), "utf-8")
    variables = {name: str(value) for name, value in settings.items()}
    process = subprocess.Popen([otelcol, "--config", file], env=os.environ | variables)
    stack.callback(process.wait)
    stack.callback(process.terminate)
    address = f"127.0.0.1:{grpc_port}"
    with grpc.insecure_channel(address) as channel:
        grpc.channel_ready_future(channel).result(60)
    metrics = f"http://127.0.0.1:{metrics_port}/metrics"
    settle = SETTLE_SECONDS.get(last, DEFAULT_SETTLE_SECONDS)
    return Collector(psutil.Process(process.pid), address, metrics, settle)
