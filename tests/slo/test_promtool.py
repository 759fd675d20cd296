"""Prometheus's own tool evaluates the rules over synthetic series."""

import os
import shutil
import subprocess

import pytest

from tests.processes import ROOT
from tests.waiting import PATIENCE

FOLDER = ROOT / "slo" / "prometheus"
MISSING = "no promtool here: it comes with Prometheus (Debian: apt-get install prometheus)"


@pytest.fixture(scope="module")
def promtool() -> str:
    found = shutil.which("promtool")
    if found:
        return found
    if os.environ.get("CI"):
        pytest.fail(MISSING)
    pytest.skip(MISSING)


def run(*command: str) -> str:
    done = subprocess.run(
        command, cwd=FOLDER, capture_output=True, text=True, timeout=5 * PATIENCE, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_rules_are_valid(promtool: str) -> None:
    assert "SUCCESS" in run(promtool, "check", "rules", "rules.yaml")


@pytest.mark.parametrize("file", sorted(path.name for path in FOLDER.glob("*_test.yaml")))
def test_alerts_fire_when_they_should(promtool: str, file: str) -> None:
    assert "SUCCESS" in run(promtool, "test", "rules", file)
