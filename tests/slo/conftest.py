"""Tools that evaluate and generate Prometheus rules; CI must have them."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.waiting import TIMEOUT

Promtool = Callable[..., str]
"""Runs promtool with these arguments in a folder; its output. Fails where promtool fails."""


def _required(found: str | None, missing: str) -> str:
    if found:
        return found
    if os.environ.get("CI"):
        pytest.fail(missing)
    pytest.skip(missing)


@pytest.fixture(scope="session")
def promtool() -> Promtool:
    binary = _required(
        shutil.which("promtool"),
        "no promtool here: it comes with Prometheus (Debian: apt-get install prometheus)",
    )

    def run(*arguments: str, folder: Path) -> str:
        done = subprocess.run(
            (binary, *arguments),
            cwd=folder, capture_output=True, text=True, timeout=5 * TIMEOUT, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.fixture(scope="session")
def sloth() -> str:
    """The binary of github.com/slok/sloth."""
    named = os.environ.get("SLOTH", "")
    found = named if Path(named).is_file() else None
    return _required(found, "no sloth here: `make sloth` builds it (Go 1.25 or newer)")
