"""The real SigNoz (v0.138.0) as a process, without ClickHouse, which setting up does not need.

with RealSigNoz(binary, folder) as signoz:
    … provision signoz.url as EMAIL with PASSWORD …
"""

import os
import subprocess
from contextlib import ExitStack
from http.client import HTTPConnection
from pathlib import Path
from typing import Self

from tests.signoz.fake_signoz import EMAIL, PASSWORD
from tests.telemetry.receiver import refused_port
from tests.waiting import TIMEOUT, until

QUIET = {
    "WEB_ENABLED": "false",
    "PPROF_ENABLED": "false",
    "INSTRUMENTATION_METRICS_ENABLED": "false",
    "ANALYTICS_ENABLED": "false",
    "STATSREPORTER_ENABLED": "false",
    "PROMETHEUS_ACTIVE__QUERY__TRACKER_ENABLED": "false",
}


class RealSigNoz:
    """Over a folder, on ports of its own.

    A release listens where it wants to. A build for tests looks for its addresses in
    CHECK_HTTP_HOSTPORT and CHECK_OPAMP_HOSTPORT.
    """

    def __init__(self, binary: Path, folder: Path) -> None:
        self._binary, self._folder, self._held = binary, folder, ExitStack()
        self._port, self._other, away = (self._held.enter_context(refused_port()) for _ in range(3))
        self.url = f"http://127.0.0.1:{self._port}"
        self._settings = QUIET | {
            "SQLSTORE_PROVIDER": "sqlite",
            "SQLSTORE_SQLITE_PATH": str(folder / "signoz.db"),
            "TELEMETRYSTORE_PROVIDER": "clickhouse",
            "TELEMETRYSTORE_CLICKHOUSE_DSN": f"tcp://127.0.0.1:{away}",
            "ALERTMANAGER_PROVIDER": "signoz",
            "TOKENIZER_JWT_SECRET": "of the tests",
            "USER_ROOT_ENABLED": "true",
            "USER_ROOT_EMAIL": EMAIL,
            "USER_ROOT_PASSWORD": PASSWORD,
            "USER_ROOT_ORG_NAME": "tests",
        }

    def __enter__(self) -> Self:
        others = {key: each for key, each in os.environ.items() if not key.startswith("SIGNOZ_")}
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [self._binary, "server"], cwd=self._folder, stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, env=others | {f"SIGNOZ_{k}": v for k, v in self._settings.items()} | {
                    "CHECK_HTTP_HOSTPORT": f"127.0.0.1:{self._port}",
                    "CHECK_OPAMP_HOSTPORT": f"127.0.0.1:{self._other}",
                },
            )  # fmt: skip
        try:
            until(self._listens)
        except AssertionError:
            self.__exit__()
            raise AssertionError((self._folder / "log").read_text()[-2000:]) from None
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._held.close()

    def _listens(self) -> bool:
        assert self._process.poll() is None, "it has ended"
        connection = HTTPConnection("127.0.0.1", self._port, timeout=TIMEOUT)
        try:
            connection.connect()
        except ConnectionRefusedError:
            return False
        finally:
            connection.close()
        return True
