"""`make traffic`: simulated users who search and click."""

import csv
import os
import sys
from pathlib import Path

import pytest

from tests.logged_process import LoggedProcess
from tests.page.serving import serving
from tests.processes import ROOT

pytestmark = pytest.mark.lasting

LOCUST = (sys.executable, "-m", "locust", "-f", str(ROOT / "benchmarks" / "traffic.py"))
SHORT = ("--headless", "--users", "5", "--spawn-rate", "5")
WHATEVER = ("--exit-code-on-error", "0")
"""The readers also open documents that this small catalogue lacks."""


def test_readers_ask_and_click_until_they_are_stopped(tmp_path: Path) -> None:
    with serving(tmp_path / "data", "") as server:
        reporting = ("--host", server.url, "--csv", str(tmp_path / "locust"))
        command = (*LOCUST, *SHORT, *WHATEVER, *reporting)
        locust = LoggedProcess(command, "/recommend", cwd=ROOT, env=os.environ, both=True)
        try:
            locust.ready()  # the table of requests has a row for it
            assert locust.stop() == 0, locust.output
        finally:
            locust.kill()
    with (tmp_path / "locust_stats.csv").open() as file:
        requests = {row["Name"]: row for row in csv.DictReader(file)}
    assert int(requests["/recommend"]["Request Count"]) > 0
    assert requests["/recommend"]["Failure Count"] == "0"
    clicked = requests.get("/feedback", {"Request Count": 0, "Failure Count": 0})
    # Feedback under way at the end may be stored and not counted.
    assert len(server.feedback()) >= int(clicked["Request Count"]) - int(clicked["Failure Count"])
