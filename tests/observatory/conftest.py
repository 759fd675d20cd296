"""What the tests of the observatory share: one engine, as a process can open one folder only."""

from collections.abc import Iterator

import pytest

from observatory.store.engine import Engine
from observatory.store.schema import prepare

MEMORY = 1 << 30
RETENTION_HOURS = 24 * 30
DISK = 5 << 30


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The embedded engine with our tables; a test empties those it uses beforehand."""
    opened = Engine(tmp_path_factory.mktemp("engine"), MEMORY)
    prepare(opened, RETENTION_HOURS, DISK)
    yield opened
    opened.close()
