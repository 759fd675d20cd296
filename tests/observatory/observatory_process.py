"""The observatory as a process of its own, queried and stopped from outside.

with Observatory(folder, retention_hours=24) as observatory:
    httpx.post(f"{observatory.otlp}/v1/traces", …)
    [row] = observatory.rows("SELECT count() AS spans FROM otel.otel_traces")
    assert observatory.stop() == 0
with Observatory(folder) as observatory:  # the same telemetry again
"""

import json
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import httpx
import psutil

from tests.logged_process import LoggedProcess
from tests.processes import ROOT
from tests.telemetry.receiver import refused_port
from tests.waiting import TIMEOUT

ENDPOINTS = ("page", "grpc", "http", "clickhouse")
COMMAND = (sys.executable, "-m", "observatory", "serve")
READY = " on http://"


def environment(data: Path, settings: Mapping[str, object]) -> dict[str, str]:
    """That of a process with these settings and no others; None leaves one out."""
    others = {name: value for name, value in os.environ.items() if "OBSERVATORY" not in name}
    ports = {f"{endpoint}_port": 0 for endpoint in ENDPOINTS}
    ours = {"data": data, "query_seconds": TIMEOUT, **ports, **settings}
    return others | {
        f"OBSERVATORY_{name.upper()}": str(value)
        for name, value in ours.items()
        if value is not None
    }


class Observatory:
    """`python -m observatory serve` over a folder, on reserved ports."""

    def __init__(self, data: Path, **settings: object) -> None:
        self._data = data
        self._settings = settings

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            ports = {
                f"{endpoint}_port": stack.enter_context(refused_port()) for endpoint in ENDPOINTS
            }
            self.page, self.grpc, self.otlp, self.clickhouse = (
                f"http://127.0.0.1:{port}" for port in ports.values()
            )
            given = environment(self._data, ports | self._settings)
            self._logged = LoggedProcess(COMMAND, READY, cwd=ROOT, env=given)
            stack.callback(self.kill)
            self.process = self._logged.process
            self._logged.ready()
            # A query's own patience, and then some.
            self._client = stack.enter_context(httpx.Client(timeout=TIMEOUT))
            self._end = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.close()

    @property
    def output(self) -> str:
        """What it wrote so far, to standard error."""
        return self._logged.output

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """The rows of a query over ClickHouse's interface."""
        address = f"{self.clickhouse}/?default_format=JSONEachRow"
        answer = self._client.post(address, content=sql)
        assert answer.status_code == httpx.codes.OK, answer.text
        return [json.loads(line) for line in answer.text.splitlines() if line]

    def value(self, sql: str) -> Any:
        """The one value of a query."""
        [row] = self.rows(sql)
        [value] = row.values()
        return value

    def family(self) -> list[psutil.Process]:
        """Its process, and those that it started."""
        process = psutil.Process(self.process.pid)
        return [process, *process.children(recursive=True)]

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send SIGTERM, or another signal, and wait; the exit code."""
        return self._logged.stop(number)

    def kill(self) -> None:
        """Kill it; does nothing if it has ended."""
        self._logged.kill()
