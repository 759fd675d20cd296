"""The service as a process of its own, on a real socket, that can be killed."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Self

import httpx

from tests.api.service import TOKEN
from tests.waiting import TIMEOUT, until

COMMAND = (
    sys.executable, "-m", "uvicorn", "app.main:app_from_environment", "--factory",
    "--port", "0", "--no-access-log", "--ws", "none",
    "--http", "app.http_protocol:BoundedProtocol",
)  # fmt: skip
_ADDRESS = re.compile(r"Uvicorn running on (http://127\.0\.0\.1:\d+)")


class Server:
    """uvicorn over a data folder. `environment` adds to the settings, or changes them."""

    def __init__(self, data: Path, log: Path, workers: int = 1, /, **environment: str) -> None:
        self._command = (*COMMAND, "--workers", str(workers))
        self._environment = os.environ | {
            "VITRINE_DATA": str(data),
            "VITRINE_TOKEN": TOKEN,
            "VITRINE_WIKIPEDIA__ENABLED": "false",
            "VITRINE_TELEMETRY__ENABLED": "false",
            "VITRINE_LIMITS__REQUESTS_PER_SECOND": "1000000",
            "VITRINE_LIMITS__BURST": "1000000",
            "VITRINE_LIMITS__QUEUE_SECONDS": "60",  # the machine may be busy with other tests
            **environment,
        }
        self._log = log

    def __enter__(self) -> Self:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command, env=self._environment, stdout=log, stderr=subprocess.STDOUT
            )
        try:
            until(lambda: self._ended() or self._address() is not None)
            address = self._address()
            assert address is not None, self.output
        except BaseException:
            self.kill()
            raise
        self.client = httpx.Client(base_url=address, timeout=TIMEOUT)
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()
        self.kill()

    @property
    def pid(self) -> int:
        """Of the process, or of its workers' supervisor."""
        return self._process.pid

    @property
    def output(self) -> str:
        """What it wrote so far."""
        return self._log.read_text()

    def kill(self) -> None:
        """Kill it; does nothing if it has ended."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> int:
        """Send SIGTERM and wait; the exit code."""
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(timeout=TIMEOUT)

    def _ended(self) -> bool:
        return self._process.poll() is not None

    def _address(self) -> str | None:
        found = _ADDRESS.search(self.output)
        return found[1] if found else None
