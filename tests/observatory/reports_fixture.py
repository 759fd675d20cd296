"""The fixture `reports`: name this module in `pytest_plugins`, import it nowhere."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from observatory.store.engine import Engine
from observatory.store.schema import CLICKHOUSE
from tests.observatory.reports_asking import Reports

SIGNOZ_TABLES = Path(__file__).with_name("signoz_tables.sql")


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
