"""`python -m observatory beside -- COMMAND` as its own process, and whatever it starts.

with BesideProcess(folder, *SENDING) as launched:
    started = launched.line()
    launched.process.send_signal(signal.SIGTERM)
    assert launched.ended() == 0
assert counted(folder) == 1
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Self

import psutil

from tests.observatory.observatory_process import ENDPOINTS, Observatory, environment
from tests.processes import ROOT
from tests.telemetry.receiver import refused_port
from tests.waiting import TIMEOUT, until

SENDING = (sys.executable, "-m", "tests.observatory.beside_command")
HTTP = {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}
OURS = ("OTEL_", "VITRINE_")


class BesideProcess:
    """The launcher, on reserved ports; all its processes end with the block."""

    def __init__(
        self, folder: Path, *command: str, options: Sequence[str] = (), **variables: str
    ) -> None:
        self._folder, self._variables = folder, variables
        self._command = (*options, "--", *command)

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self.ports = {
                f"{endpoint}_port": stack.enter_context(refused_port()) for endpoint in ENDPOINTS
            }
            given = environment(self._folder, self.ports).items()
            plain = {name: value for name, value in given if not name.startswith(OURS)}
            self.process = subprocess.Popen(
                (sys.executable, "-m", "observatory", "beside", *self._command),
                cwd=ROOT,
                env=plain | self._variables,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
            stack.callback(self._gone)
            self.all = psutil.Process(self.process.pid)
            self.output = ""
            self._listening = threading.Thread(target=self._listen)
            self._listening.start()
            self._end = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.close()

    def line(self) -> dict[str, Any]:
        """The next line of the command's output."""
        assert self.process.stdout is not None
        output: dict[str, Any] = json.loads(self.process.stdout.readline() or "{}")
        assert output, self.output
        return output

    def ended(self) -> int:
        """The exit status; nothing that was started is left by then."""
        status = self.process.wait(TIMEOUT)
        self._listening.join()
        return status

    def observatory(self) -> psutil.Process:
        """The one that it started."""
        [found] = [each for each in self.all.children() if "serve" in each.cmdline()]
        return found

    def until_logged(self, sentence: str) -> None:
        """Return as soon as it has logged this."""
        until(lambda: sentence in self.output)

    def _listen(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.output += line

    def _gone(self) -> None:
        family = self._family()
        for each in family:
            with suppress(psutil.NoSuchProcess):
                each.kill()
        psutil.wait_procs(family, TIMEOUT)
        self.process.wait()
        self._listening.join()
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()

    def _family(self) -> list[psutil.Process]:
        """All that is in the launcher's session or was started by it."""
        found = [each for each in psutil.process_iter() if _session(each) == self.process.pid]
        with suppress(psutil.NoSuchProcess):
            found += self.all.children(recursive=True)
        return found


def _session(process: psutil.Process) -> int:
    try:
        return os.getsid(process.pid)
    except ProcessLookupError:
        return 0


def counted(folder: Path) -> int:
    """How many spans are in the store, after all."""
    with Observatory(folder) as again:
        return int(again.value("SELECT count() FROM otel.otel_traces"))
