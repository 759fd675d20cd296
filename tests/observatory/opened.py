"""The fixtures `door` and `around`: name this module in `pytest_plugins`, import it nowhere."""

import socket
from collections.abc import Iterator

import httpx
import pytest

from tests.observatory.door import LIMITS, Door
from tests.observatory.observing import Observatory
from tests.observatory.surroundings import Surroundings
from tests.waiting import PATIENCE


@pytest.fixture(scope="session")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """An observatory with a token, for tests that each use names of their own."""
    with (
        Observatory(tmp_path_factory.mktemp("door"), **LIMITS) as running,
        httpx.Client(base_url=running.clickhouse, timeout=PATIENCE) as client,
    ):
        yield Door(running, client)


@pytest.fixture(scope="module")
def around(door: Door, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Surroundings]:
    """What must not change, and does not as long as a module's tests run."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        around = Surroundings(door, tmp_path_factory.mktemp("around"), listening)
        yield around
        around.check_all()
