"""What tests share: one embedder, catalogues in temporary files, the same examples on each run."""

import os
import shutil
import ssl
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest
from httpx._config import DEFAULT_TIMEOUT_CONFIG
from hypothesis import HealthCheck, settings

from app.catalogue import store
from app.catalogue.database import Database
from app.catalogue.importers.json_files import strict_json_lines
from app.catalogue.store import Catalogue
from app.catalogue.vectors import Models
from app.composition import load_embedder
from app.recommend.embedding import Embedder, StaticEmbedder
from app.recommend.types import Document
from app.settings import TelemetrySettings
from tests.opening import OpenCatalogue
from tests.waiting import TIMEOUT

settings.register_profile(
    "vitrine",
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("vitrine")

SDK = os.environ.get("TEST_SDK", "")
"""The SDK to test with, where it is not the default."""
if SDK:
    TelemetrySettings.model_fields["sdk"].default = SDK
    TelemetrySettings.model_rebuild(force=True)

PROGRAMS = {"browser", "otelcol"}
"""Fixtures that start Chromium or the Collector: the tests that use them last."""

load_once = cache(load_embedder)
SEED = Path(store.__file__).parent / "seed"


def pytest_collection_modifyitems(items: list[pytest.Function]) -> None:
    """Mark the tests that use a program as lasting."""
    for each in items:
        if PROGRAMS.intersection(each.fixturenames):
            each.add_marker("lasting")


@pytest.fixture(scope="session", autouse=True)
def _one_tls_context() -> Iterator[None]:
    """Each client of httpx makes one, which takes 25 ms; no test uses TLS."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ssl, "create_default_context", cache(ssl.create_default_context))
        yield


@pytest.fixture(scope="session", autouse=True)
def _patient_clients() -> Iterator[None]:
    """httpx waits 5 s by default, which a busy machine may need for one response."""
    with pytest.MonkeyPatch.context() as patch:
        for phase in ("connect", "read", "write", "pool"):
            patch.setattr(DEFAULT_TIMEOUT_CONFIG, phase, TIMEOUT)
        yield


@pytest.fixture(scope="session", autouse=True)
def _one_embedder() -> Iterator[None]:
    """Everything in this process shares the real embedder: loading it takes 0.4 s."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.composition.load_embedder", load_once)
        yield


@pytest.fixture(scope="session")
def embedder() -> Embedder:
    """The one that the service uses."""
    return load_once()


@pytest.fixture(scope="session")
def static_embedder(embedder: Embedder) -> StaticEmbedder:
    """For tests of this model, or that need one which knows what words mean."""
    return embedder if isinstance(embedder, StaticEmbedder) else StaticEmbedder()


@pytest.fixture
def open_catalogue(tmp_path: Path, embedder: Embedder) -> Iterator[OpenCatalogue]:
    """Opens catalogues (see `OpenCatalogue`), and closes them after the test."""
    opened: list[Database] = []

    def opener(documents: Iterable[Document] = (), name: str = "catalogue.db") -> Catalogue:
        database = Database(tmp_path / name, store.SCHEMA, store.SCHEMA_VERSION)
        opened.append(database)
        catalogue = Catalogue(database, Models(embedder))
        catalogue.put(list(documents))
        catalogue.ensure_models()
        return catalogue

    yield opener
    for database in opened:
        database.close()


@pytest.fixture(scope="session")
def seed_documents() -> list[Document]:
    """The seed catalogue as it is shipped."""
    found: list[Document] = []
    for path in sorted(SEED.glob("*.jsonl")):
        with path.open("rb") as lines:
            found += [row.document for row in strict_json_lines(lines) if row.document]
    return found


@pytest.fixture(scope="session")
def seed_file(
    tmp_path_factory: pytest.TempPathFactory,
    embedder: Embedder,
    seed_documents: list[Document],
) -> Path:
    """A closed catalogue with the seed documents and their models, to copy: see `seed_data`."""
    path = tmp_path_factory.mktemp("seed") / "catalogue.db"
    database = Database(path, store.SCHEMA, store.SCHEMA_VERSION)
    catalogue = Catalogue(database, Models(embedder))
    catalogue.put(seed_documents)
    catalogue.ensure_models()
    database.close()
    return path


@pytest.fixture
def seed_data(tmp_path: Path, seed_file: Path) -> Path:
    """A data folder of one's own with the seed catalogue in it."""
    shutil.copy(seed_file, tmp_path / "catalogue.db")
    return tmp_path
