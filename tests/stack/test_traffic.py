"""The load that dashboards are looked at with: people who ask, click and go."""

import csv
import subprocess
import sys
from pathlib import Path

import pytest

from tests.page.serving import serving
from tests.processes import PATIENCE, ROOT

pytestmark = pytest.mark.lasting

LOCUST = (sys.executable, "-m", "locust", "-f", str(ROOT / "benchmarks" / "traffic.py"))
SHORT = ("--headless", "--users", "5", "--spawn-rate", "5", "--run-time", "8s")
WHATEVER = ("--exit-code-on-error", "0")
"""Not every document that people look at is among the few of this service."""


def test_people_ask_and_click_until_the_time_is_over(tmp_path: Path) -> None:
    with serving(tmp_path / "data", "") as server:
        telling = ("--host", server.url, "--csv", str(tmp_path / "told"))
        command = (*LOCUST, *SHORT, *WHATEVER, *telling)
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        assert done.returncode == 0, done.stderr
    with (tmp_path / "told_stats.csv").open() as file:
        told = {row["Name"]: row for row in csv.DictReader(file)}
    assert int(told["/recommend"]["Request Count"]) > 0
    assert told["/recommend"]["Failure Count"] == "0"
    clicked = told.get("/feedback", {"Request Count": 0, "Failure Count": 0})
    # What was under way at the end may be kept and not told.
    assert len(server.feedback()) >= int(clicked["Request Count"]) - int(clicked["Failure Count"])
