"""The service as a process of its own that exports to a receiver, soon.

with Receiver() as receiver, ExportingService(data, over("grpc", receiver)) as server:
    server.client.post("/recommend", json={"query": "stale bread"})
    server.stop()  # which sends what waits
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Protocol, Self

import httpx

from tests.api.service import TOKEN
from tests.processes import ROOT
from tests.telemetry.receiver import Receiver, refused_port
from tests.waiting import TIMEOUT, until

APP = "app.main:app_from_environment"
SOON = {
    "OTEL_METRIC_EXPORT_INTERVAL": "100",
    "OTEL_BSP_SCHEDULE_DELAY": "50",
    "OTEL_BLRP_SCHEDULE_DELAY": "50",
    "OTEL_EXPORTER_OTLP_TIMEOUT": str(TIMEOUT),
    "VITRINE_TELEMETRY__SHUTDOWN_SECONDS": str(TIMEOUT),
}
"""Milliseconds between batches; and patience, on machines that have other work."""
PLAIN = {
    "VITRINE_TOKEN": TOKEN,
    "VITRINE_WIKIPEDIA__ENABLED": "false",
    "VITRINE_LIMITS__REQUESTS_PER_SECOND": "1000000",
    "VITRINE_LIMITS__BURST": "1000000",
    "VITRINE_LIMITS__QUEUE_SECONDS": "60",  # the machine may be busy with other tests
    "VITRINE_SERVER__ALLOWED_HOSTS": "*",
}
PROTOCOL = ("--http", "app.http_protocol:BoundedProtocol", "--ws", "none")


def over(protocol: str, receiver: Receiver) -> dict[str, str]:
    """The variables that make it send to a receiver by `grpc` or `http`."""
    if protocol == "grpc":
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.grpc_endpoint}
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.http_endpoint,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
    }


class ExportingService:
    """uvicorn over a data folder.

    `environment` adds to the variables, or changes them; nothing takes one away.
    """

    def __init__(self, data: Path, environment: Mapping[str, str], app: str = APP) -> None:
        ours = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("OTEL_", "VITRINE_"))
        }
        sdk = {"VITRINE_TELEMETRY__SDK": os.environ.get("TEST_SDK", "")}
        all_of_it = {**ours, **sdk, **PLAIN, **SOON, "VITRINE_DATA": str(data), **environment}
        self._environment = {name: value for name, value in all_of_it.items() if value}
        self._app = app
        self.out, self.err = data / "stdout", data / "stderr"

    def command(self, port: int) -> list[str]:
        """What is started. It may add to the environment too."""
        uvicorn = [sys.executable, "-m", "uvicorn", self._app, "--factory", *PROTOCOL]
        return [*uvicorn, "--port", str(port)]

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            port = stack.enter_context(refused_port())
            out, err = (stack.enter_context(each.open("wb")) for each in (self.out, self.err))
            self._process = subprocess.Popen(
                self.command(port), stdout=out, stderr=err, cwd=ROOT, env=self._environment,
                start_new_session=True,
            )  # fmt: skip
            stack.callback(self.kill)
            address = f"http://127.0.0.1:{port}"
            self.client = stack.enter_context(httpx.Client(base_url=address, timeout=TIMEOUT))
            until(self._answers)
            self._end = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.close()

    @property
    def output(self) -> bytes:
        """What it wrote so far, to standard output and error."""
        return self.out.read_bytes() + self.err.read_bytes()

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Its log, a dictionary a line."""
        return [json.loads(line) for line in self.out.read_bytes().splitlines()]

    def stop(self) -> None:
        """Send SIGTERM and wait: then everything is exported."""
        self.client.close()
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(TIMEOUT)

    def kill(self) -> None:
        """Kill it and its workers; does nothing if they have ended."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _answers(self) -> bool:
        assert self._process.poll() is None, self.output.decode()
        with suppress(httpx.ConnectError):
            return self.client.get("/livez").status_code == httpx.codes.OK
        return False


class Watch(Protocol):
    """A server over a data folder of its own with a few documents in it, not yet started."""

    def __call__(
        self,
        *environment: Mapping[str, str],
        app: str = APP,
        kind: type[ExportingService] = ExportingService,
    ) -> ExportingService: ...
