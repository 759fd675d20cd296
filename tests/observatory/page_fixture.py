"""The fixtures `told` and `page`: name this module in `pytest_plugins`, import it nowhere."""

from typing import Any, cast

import pytest
from starlette.testclient import TestClient

from observatory.composition import PAGE_QUERY_ROWS, Parts
from observatory.memory_budget import MemoryBudget
from observatory.query.reader import Limits, Reader
from observatory.settings import ObservatorySettings
from observatory.store.engine import Engine
from observatory.ui.application import page as application
from tests.observatory.page_asked import ROWS, Page
from tests.observatory.page_told import NOW, Told

SECONDS, MEMORY, RESULT_BYTES = 20, 256 << 20, 8 << 20


@pytest.fixture(scope="session")
def parts(engine: Engine) -> Parts:
    """What the page works with; it stores nothing."""
    unused = cast("Any", None)
    return Parts(
        settings=ObservatorySettings(query_rows=ROWS),
        engine=engine,
        budget=MemoryBudget(256 << 20),
        intake=unused,
        disk_limiter=unused,
        page_reader=Reader(
            engine, Limits(SECONDS, MEMORY, PAGE_QUERY_ROWS, result_bytes=RESULT_BYTES)
        ),
        sql_reader=Reader(engine, Limits(SECONDS, MEMORY, ROWS + 1)),
        clickhouse_reader=unused,
    )


@pytest.fixture
def told(engine: Engine) -> Told:
    """Empty tables to tell things."""
    told = Told(engine)
    told.empty()
    return told


@pytest.fixture
def page(told: Told, parts: Parts) -> Page:
    """The page over them; on its clock it is NOW."""
    return Page(TestClient(application(parts, lambda: NOW), base_url="http://127.0.0.1"))
