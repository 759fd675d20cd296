"""The fixture that makes servers: name this module in `pytest_plugins`, and import it nowhere."""

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.telemetry.watched import APP, Watch, Watched


@pytest.fixture(scope="session")
def watch(tmp_path_factory: pytest.TempPathFactory, shelf_file: Path) -> Watch:
    """Makes servers."""

    def make(
        *environment: Mapping[str, str], app: str = APP, kind: type[Watched] = Watched
    ) -> Watched:
        data = tmp_path_factory.mktemp("watched")
        shutil.copy(shelf_file, data / "catalogue.db")
        merged = {name: value for each in environment for name, value in each.items()}
        return kind(data, merged, app)

    return make
