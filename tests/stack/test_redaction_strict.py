"""With redaction-strict.yaml nothing private reaches the store, in whatever position it is sent."""

import json
from typing import Any

import pytest

from tests.cases import cases
from tests.observatory.messages import fresh
from tests.observatory.observatory_process import Observatory
from tests.stack.collector_process import Collector
from tests.stack.every_field import TABLES, rows, send
from tests.stack.sensitive import SENSITIVE

pytestmark = pytest.mark.lasting

Stored = dict[str, list[dict[str, Any]]]
"""By table."""


@pytest.fixture(scope="module")
def stored(strict: Collector, store: Observatory) -> Stored:
    """Every text in every position, as the store has them."""
    service = fresh()
    send(strict, store, [each.text for each in SENSITIVE], service)
    return {table: rows(store, table, service) for table in TABLES}


def _leaks(row: dict[str, Any]) -> list[tuple[str, str]]:
    """Columns, and the sensitive texts that are in them, at least in part."""
    texts = {column: json.dumps(row[column], ensure_ascii=False) for column in row}
    return [
        (column, each.text) for column in row for each in SENSITIVE if each.secret in texts[column]
    ]


@cases("table", TABLES)
def test_no_column_has_any_of_it(stored: Stored, table: str) -> None:
    assert [leak for row in stored[table] for leak in _leaks(row)] == []
