"""Third-party backends, each a process that is killed at the end of the block.

with Backend([prometheus, …], ready="Server is ready", folder=folder, port=port) as backend:
    [series] = backend.get("/api/v1/query", query="up")["data"]["result"]
"""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Self

import httpx
import pytest

from tests.logged_process import LoggedProcess
from tests.telemetry.receiver import refused_port
from tests.waiting import TIMEOUT

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vitrine"
MLFLOW = CACHE / "mlflow" / "bin" / "mlflow"
NO_TELEMETRY = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
NO_PROMETHEUS = "no Prometheus here: apt-get install prometheus"


def program(variable: str, cached: Path, how: str) -> Path:
    """The binary that a variable names, else the one in the cache; without it, skip."""
    named = os.environ.get(variable)
    found = Path(named) if named else cached
    if not found.is_file():
        pytest.skip(f"{variable} names nothing that is there: {how}")
    return found.absolute()


def prometheus_binary() -> Path:
    """Debian's package, or whatever is on the path; it is small, so CI has to have it."""
    found = shutil.which("prometheus")
    if found:
        return Path(found)
    if os.environ.get("CI"):
        pytest.fail(NO_PROMETHEUS)
    pytest.skip(NO_PROMETHEUS)


class Backend:
    """A command that logs when it is ready, and serves HTTP on a port."""

    def __init__(
        self,
        command: Sequence[object],
        *,
        ready: str,
        folder: Path,
        port: int,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self._command = [str(each) for each in command]
        self._ready, self._folder = ready, folder
        self._environment = os.environ | (variables or {})
        self.address = f"http://127.0.0.1:{port}"

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._logged = LoggedProcess(
                self._command, self._ready, cwd=self._folder, env=self._environment, both=True
            )
            stack.callback(self._logged.kill)
            self._logged.ready(2 * TIMEOUT)
            client = httpx.Client(base_url=self.address, timeout=TIMEOUT)
            self._client = stack.enter_context(client)
            self._end = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.close()

    @property
    def output(self) -> str:
        """What it wrote so far."""
        return self._logged.output

    def get(self, path: str, **parameters: str) -> Any:
        """The JSON of an answer; nothing where there is none (yet)."""
        answer = self._client.get(path, params=parameters)
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        assert answer.status_code == httpx.codes.OK, answer.text
        return answer.json()

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """The same, by POST."""
        answer = self._client.post(path, json=body)
        assert answer.status_code == httpx.codes.OK, answer.text
        return answer.json()


@contextmanager
def mlflow_server(folder: Path, *where: object) -> Iterator[Backend]:
    """An MLflow server; `where`: arguments that say where it stores artefacts."""
    command = program("TEST_MLFLOW", MLFLOW, how="`make test-mlflow` installs it")
    with refused_port() as port:
        serve = [
            command, "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
            "--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}", *where,
        ]  # fmt: skip
        with Backend(
            serve, ready="Uvicorn running on", folder=folder, port=port, variables=NO_TELEMETRY
        ) as running:
            yield running
