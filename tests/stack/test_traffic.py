"""`make traffic`: simulated users who search and click."""

import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.page.serving import serving
from tests.processes import ROOT
from tests.waiting import TIMEOUT

pytestmark = pytest.mark.lasting


def test_readers_ask_and_click(tmp_path: Path) -> None:
    with serving(tmp_path / "data", "") as server:
        httpx.get(f"{server.url}/readyz", timeout=TIMEOUT).raise_for_status()
        command = [sys.executable, "-m", "benchmarks.traffic", "--host", server.url]
        done = subprocess.run(
            [*command, "--rate", "20", "--seconds", "10"], cwd=ROOT, env=os.environ,
            capture_output=True, text=True, check=True, timeout=TIMEOUT,
        )  # fmt: skip
    assert " × 200" in done.stdout
    assert "500" not in done.stdout
    assert server.feedback()
