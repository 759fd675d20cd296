"""Workers end with their supervisor, however it ends."""

import os
import signal
from pathlib import Path

import httpx
import psutil
import pytest

from tests.api.server import Server
from tests.waiting import until

pytestmark = pytest.mark.lasting


@pytest.mark.parametrize(
    "ends", [signal.SIGKILL, pytest.param(signal.SIGTERM, marks=pytest.mark.lasting)]
)
def test_workers_end_with_their_supervisor(tmp_path: Path, ends: signal.Signals) -> None:
    with Server(tmp_path, tmp_path / "log", 2) as server:
        supervisor = psutil.Process(server.pid)
        until(lambda: server.output.count("startup complete") == 2)
        workers = supervisor.children(recursive=True)
        assert len(workers) >= 2
        os.kill(server.pid, ends)
        until(lambda: not any(each.is_running() and not _zombie(each) for each in workers))
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{server.client.base_url}/livez")


def _zombie(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
