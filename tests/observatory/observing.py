"""The observatory as a process of its own, asked and stopped as anybody would.

with Observatory(folder, retention_hours=24) as observatory:
    httpx.post(f"{observatory.otlp}/v1/traces", …)
    [row] = observatory.rows("SELECT count() AS spans FROM otel.otel_traces")
    assert observatory.stop() == 0
with Observatory(folder) as observatory:  # the same telemetry again
"""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Self

import httpx

from tests.processes import PATIENCE, ROOT
from tests.telemetry.receiver import refused_port

DOORS = ("page", "grpc", "http", "clickhouse")
COMMAND = (sys.executable, "-m", "observatory", "serve")
READY = " on http://"


def environment(data: Path, settings: Mapping[str, object]) -> dict[str, str]:
    """That of a process with these settings and no others; None leaves one out."""
    others = {name: value for name, value in os.environ.items() if "OBSERVATORY" not in name}
    ports = {f"{door}_port": 0 for door in DOORS}
    ours = {"data": data, **ports, **settings}
    return others | {
        f"OBSERVATORY_{name.upper()}": str(value)
        for name, value in ours.items()
        if value is not None
    }


class Observatory:
    """`python -m observatory serve` over a folder, on ports that nobody else can take."""

    def __init__(self, data: Path, **settings: object) -> None:
        self._data = data
        self._settings = settings
        self._lines: list[str] = []
        self._ready = threading.Event()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            ports = {f"{door}_port": stack.enter_context(refused_port()) for door in DOORS}
            self.page, self.grpc, self.otlp, self.clickhouse = (
                f"http://127.0.0.1:{port}" for port in ports.values()
            )
            self.process = subprocess.Popen(
                COMMAND, cwd=ROOT, env=environment(self._data, ports | self._settings),
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                text=True, start_new_session=True,
            )  # fmt: skip
            stack.callback(self._gone)
            self._listening = threading.Thread(target=self._listen)
            self._listening.start()
            assert self._ready.wait(PATIENCE), "it says nothing"
            assert READY in self.said, self.said
            # A query's own patience, and then some.
            self._client = stack.enter_context(httpx.Client(timeout=30))
            self._end = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.close()

    @property
    def said(self) -> str:
        """What it wrote so far, to standard error."""
        return "".join(self._lines)

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

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end; its exit code."""
        self.process.send_signal(number)
        code = self.process.wait(PATIENCE)
        self._listening.join()
        return code

    def kill(self) -> None:
        """End it at once; no harm where it has ended."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def _gone(self) -> None:
        self.kill()
        self._listening.join()
        assert self.process.stderr is not None
        self.process.stderr.close()

    def _listen(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self._lines.append(line)
            if READY in line:
                self._ready.set()
        self._ready.set()
