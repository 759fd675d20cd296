"""The real Collector as a process of its own, with the project's configuration.

with Collector(binary, folder, "clickhouse", CLICKHOUSE_ENDPOINT=…) as collector:
    over_grpc(collector, "traces", request("traces", spans))
    collector.stop()
"""

import os
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from tests.logged_process import LoggedProcess
from tests.processes import ROOT
from tests.telemetry.receiver import refused_port

CORE = ROOT / "otel-collector-config.yaml"
BACKENDS = ROOT / "collector" / "backends"
REDACTION_STRICT = ROOT / "collector" / "redaction-strict.yaml"
LONG_TIMEOUT = Path(__file__).with_name("patient.yaml")
PORTS = ("grpc", "http", "health", "metrics")
READY = "Everything is ready"
OURS = ("COLLECTOR_", "CLICKHOUSE_", "OTLP_", "OTEL_", "SIGNOZ_", "DEPLOYMENT_")
SOON = {
    "COLLECTOR_DECISION_WAIT": "1s",
    "COLLECTOR_DECISION_WAIT_AFTER_ROOT": "500ms",
    "COLLECTOR_SAMPLING_PERCENTAGE": "100",
    "COLLECTOR_SAMPLING_BUDGET": "1000000",
    "COLLECTOR_METRICS_INTERVAL": "500ms",
}
"""Keeps every trace, and decides soon, for tests that are not about sampling."""


def config(*names: str | Path) -> list[str]:
    """The arguments for the core and these backends; a path stands for itself."""
    files = [each if isinstance(each, Path) else BACKENDS / f"{each}.yaml" for each in names]
    return [word for file in (CORE, *files) for word in ("--config", str(file))]


class Collector:
    """One over a folder, on reserved ports; the folder holds its queues.

    It may be entered again after it has ended, and is on the same ports then.
    """

    def __init__(
        self, binary: Path, folder: Path, *backends: str | Path, **variables: object
    ) -> None:
        self._command = [str(binary), *config(*backends)]
        self._folder, self._variables = folder, variables
        self._held = ExitStack()
        self.ports = {each: self._held.enter_context(refused_port()) for each in PORTS}
        self.grpc, self.otlp, self.health = (
            f"http://127.0.0.1:{self.ports[each]}" for each in ("grpc", "http", "health")
        )

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self._held.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._held.close()

    def start(self) -> None:
        """Run it, and return when it takes telemetry."""
        self._logged = LoggedProcess(self._command, READY, cwd=self._folder, env=self.environment())
        self.process = self._logged.process
        try:
            self._logged.ready()
        except BaseException:
            self.kill()
            raise

    def environment(self) -> dict[str, str]:
        """That of the process: without the variables meant for other collectors."""
        others = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        ports = {f"COLLECTOR_{each.upper()}_PORT": port for each, port in self.ports.items()}
        ours = {"COLLECTOR_QUEUE": self._folder / "queue", "COLLECTOR_LOG_LEVEL": "info"}
        ours |= {**SOON, **ports, **self._variables}
        return others | {name: str(value) for name, value in ours.items()}

    @property
    def output(self) -> str:
        """What it wrote since it was started, to standard error."""
        return self._logged.output

    def stop(self) -> None:
        """Send SIGTERM; it sends what it can, and must exit with 0."""
        assert self._logged.stop() == 0, self.output

    def kill(self) -> None:
        """Kill it; does nothing if it has ended."""
        self._logged.kill()
