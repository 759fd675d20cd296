"""The provisioner needs Python and its folder, wherever that is mounted."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import ROOT
from tests.signoz.fake_signoz import EMAIL, PASSWORD, SigNoz
from tests.waiting import TIMEOUT


@pytest.mark.parametrize(
    ("where", "command"),
    [("elsewhere", ["provision.py"]), (".", ["-m", "signoz.provision"])],
)
def test_it_runs_without_anything_installed(
    signoz: SigNoz, files: Path, where: str, command: list[str]
) -> None:
    folder = files.parent / where if where != "." else ROOT
    settings = {"URL": signoz.url, "EMAIL": EMAIL, "PASSWORD": PASSWORD}
    result = subprocess.run(
        [sys.executable, "-S", *command],  # no site: the standard library only
        cwd=folder,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONDONTWRITEBYTECODE": "1",
            **{f"SIGNOZ_{name}": value for name, value in settings.items()},
        },
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert result.stderr == ""
    assert result.returncode == 0
    assert result.stdout.splitlines()[-1].endswith(" updated")
    assert signoz.names("channels") == ["vitrine-operators"]
