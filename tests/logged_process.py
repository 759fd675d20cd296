"""A process whose output is recorded, from its first line to its end.

it = LoggedProcess([…], "Ready", cwd=folder, env=environment)
it.ready()
assert it.stop() == 0
"""

import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from tests.waiting import TIMEOUT


class LoggedProcess:
    """A command whose standard error, or both streams, are recorded."""

    def __init__(
        self,
        command: Sequence[str],
        sign: str,
        *,
        cwd: Path,
        env: Mapping[str, str],
        both: bool = False,
    ) -> None:
        """`sign`: what it logs when it is ready."""
        self._sign, self._lines = sign, list[str]()
        self._ready = threading.Event()
        self.process = subprocess.Popen(
            command, cwd=cwd, env=env, text=True, start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if both else subprocess.DEVNULL,
            stderr=subprocess.STDOUT if both else subprocess.PIPE,
        )  # fmt: skip
        stream = self.process.stdout if both else self.process.stderr
        assert stream is not None
        self._stream = stream
        self._listening = threading.Thread(target=self._listen)
        self._listening.start()

    def ready(self, timeout: float = TIMEOUT) -> None:
        """Return when it is."""
        assert self._ready.wait(timeout), self.output or "no output"
        assert self._sign in self.output, self.output

    @property
    def output(self) -> str:
        """What it wrote so far."""
        return "".join(self._lines)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send SIGTERM, or another signal, and wait; the exit code."""
        self.process.send_signal(number)
        code = self.process.wait(TIMEOUT)
        self._ended()
        return code

    def kill(self) -> None:
        """Kill it; does nothing if it has ended."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._ended()

    def _ended(self) -> None:
        self._listening.join()
        self._stream.close()

    def _listen(self) -> None:
        for line in self._stream:
            self._lines.append(line)
            if self._sign in line:
                self._ready.set()
        self._ready.set()
