"""Running services, and a fake Wikipedia."""

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from app.composition import open_catalogue
from tests.api.service import serving, settings
from tests.fake_wikipedia import FakeWikipedia
from tests.fakes import SHELF


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
async def client(
    tmp_path_factory: pytest.TempPathFactory, seed_file: Path
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a service with the seed catalogue, shared by the tests that only read."""
    data = tmp_path_factory.mktemp("served")
    shutil.copy(seed_file, data / "catalogue.db")
    async with serving(settings(data)) as running:
        yield running


@pytest.fixture(scope="session")
def shelf_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed catalogue with a few documents and their models, to copy."""
    folder = tmp_path_factory.mktemp("shelf")
    catalogue = open_catalogue(folder)
    catalogue.put(SHELF)
    catalogue.ensure_models()
    catalogue.database.close()
    return folder / "catalogue.db"


@pytest.fixture
def shelf_data(tmp_path: Path, shelf_file: Path) -> Path:
    """A data folder of one's own with a few documents in it."""
    shutil.copy(shelf_file, tmp_path / "catalogue.db")
    return tmp_path


@pytest.fixture
async def shelf(shelf_data: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a service of one's own with a few documents in it."""
    async with serving(settings(shelf_data)) as running:
        yield running


@pytest.fixture
def wikipedia() -> Iterator[FakeWikipedia]:
    with FakeWikipedia() as running:
        yield running
