"""The service, as a process of its own, for tests of its page."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.page.page_view import Server
from tests.processes import ROOT

COMMAND = (sys.executable, str(Path(__file__).with_name("page_server.py")))


@contextmanager
def serving(data: Path, trace_url: str) -> Iterator[Server]:
    """The service; `trace_url`: its setting for links to traces."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("VITRINE_")}
    env |= {"VITRINE_DATA": str(data), "VITRINE_WIKIPEDIA__ENABLED": "false"}
    env |= {"VITRINE_TELEMETRY__TRACE_URL": trace_url, "VITRINE_LIMITS__QUEUE_SECONDS": "60"}
    env |= {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    with socket.create_server(("127.0.0.1", 0)) as listening:
        number = listening.fileno()
        with subprocess.Popen((*COMMAND, str(number)), env=env, pass_fds=[number]) as process:
            try:
                yield Server(f"http://127.0.0.1:{listening.getsockname()[1]}", data)
            finally:
                process.terminate()
