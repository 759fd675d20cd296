"""A SigNoz for one test, and the provisioner for it, over a copy of the project's files."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.signoz.fake_signoz import SigNoz
from tests.signoz.provisioning import FOLDER, Provisioner
from tests.signoz.real_signoz import RealSigNoz

MISSING = "no SigNoz here: TEST_SIGNOZ names a binary of v0.138.0 (see tests/signoz/real_signoz.py)"


@pytest.fixture
def signoz() -> Iterator[SigNoz]:
    """Nothing is set up in it."""
    with SigNoz() as running:
        yield running


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """The folder, to change."""
    shutil.copytree(FOLDER, tmp_path / "elsewhere", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "elsewhere"


@pytest.fixture
def provisioner(
    signoz: SigNoz,
    files: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Provisioner:
    """For the SigNoz of this test."""
    return Provisioner(signoz.url, monkeypatch, capsys, files)


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealSigNoz]:
    """The real one, for all tests; without a binary they are left out."""
    named = os.environ.get("TEST_SIGNOZ")
    if not named or not Path(named).is_file():
        pytest.skip(MISSING)
    with RealSigNoz(Path(named).resolve(), tmp_path_factory.mktemp("signoz")) as running:
        yield running
