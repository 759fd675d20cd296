"""One engine and one process of the observatory for each worker, and what is built on them."""

import socket
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
from starlette.testclient import TestClient

from observatory.composition import PAGE_QUERY_ROWS, Parts
from observatory.memory_budget import MemoryBudget
from observatory.query.reader import Limits, Reader
from observatory.settings import ObservatorySettings
from observatory.store.engine import Engine
from observatory.store.schema import CLICKHOUSE, prepare
from observatory.ui.application import page as application
from observatory.ui.queries import Queries
from tests.observatory.clickhouse_client import LIMITS, ClickHouseClient
from tests.observatory.observatory_process import Observatory
from tests.observatory.page_client import ROWS, Page
from tests.observatory.report_results import Reports
from tests.observatory.sandbox import Sandbox
from tests.observatory.stored_telemetry import NOW, StoredTelemetry
from tests.waiting import TIMEOUT

MEMORY = 1 << 30
RETENTION_HOURS = 24 * 30
DISK = 5 << 30
QUERY_SECONDS, QUERY_MEMORY, RESULT_BYTES = 60, 256 << 20, 8 << 20
SIGNOZ_TABLES = Path(__file__).with_name("signoz_tables.sql")


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The embedded engine with our tables; a process can open one folder only.

    A test empties the tables that it uses beforehand.
    """
    opened = Engine(tmp_path_factory.mktemp("engine"), MEMORY)
    prepare(opened, RETENTION_HOURS, DISK)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def observatory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Observatory]:
    """A process for all tests that only send and query, each with ids of its own."""
    with Observatory(tmp_path_factory.mktemp("observatory")) as running:
        yield running


@pytest.fixture(scope="session")
def clickhouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseClient]:
    """An observatory with a token and low limits; each test uses names of its own."""
    with (
        Observatory(tmp_path_factory.mktemp("clickhouse"), **LIMITS) as running,
        httpx.Client(base_url=running.clickhouse, timeout=TIMEOUT) as client,
    ):
        yield ClickHouseClient(running, client)


@pytest.fixture(scope="module")
def sandbox(
    clickhouse: ClickHouseClient, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Sandbox]:
    """What statements must not change or reach, checked after a module's tests."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        sandbox = Sandbox(clickhouse, tmp_path_factory.mktemp("sandbox"), listening)
        yield sandbox
        sandbox.check_all()


@pytest.fixture(scope="session")
def page_parts(engine: Engine) -> Parts:
    """What the page works with; it stores nothing."""
    unused = cast("Any", None)
    return Parts(
        settings=ObservatorySettings(query_rows=ROWS),
        engine=engine,
        budget=MemoryBudget(QUERY_MEMORY),
        intake=cast("Any", SimpleNamespace(refused={})),
        disk_limiter=unused,
        page_reader=Reader(
            engine,
            Limits(QUERY_SECONDS, QUERY_MEMORY, PAGE_QUERY_ROWS, result_bytes=RESULT_BYTES),
        ),
        sql_reader=Reader(engine, Limits(QUERY_SECONDS, QUERY_MEMORY, ROWS + 1)),
        clickhouse_reader=unused,
    )


@pytest.fixture
def stored(engine: Engine) -> StoredTelemetry:
    """Empty tables to store telemetry in."""
    stored = StoredTelemetry(engine)
    stored.empty()
    return stored


@pytest.fixture
def page(stored: StoredTelemetry, page_parts: Parts, monkeypatch: pytest.MonkeyPatch) -> Page:
    """The page over them; on its clock it is NOW, and lists are searched to the end."""
    patient = partial(Queries, seconds=lambda: 0.0)
    monkeypatch.setattr("observatory.ui.application.Queries", patient)
    return Page(TestClient(application(page_parts, lambda: NOW), base_url="http://127.0.0.1"))


@pytest.fixture(scope="session")
def both(engine: Engine) -> Engine:
    """The engine with SigNoz's tables besides ours."""
    engine.run(SIGNOZ_TABLES.read_text())
    return engine


@pytest.fixture
def reports(both: Engine) -> Iterator[Reports]:
    """Reports over empty tables; afterwards the views are ours again."""
    yield Reports(both)
    both.run((CLICKHOUSE / "views" / "otel.sql").read_text())
