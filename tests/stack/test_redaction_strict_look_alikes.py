"""What only looks private arrives byte for byte, wherever it stands."""

import json
from typing import Any

import pytest

from tests.observatory.messages import fresh
from tests.observatory.observatory_process import Observatory
from tests.stack.collector_process import Collector
from tests.stack.every_field import TABLES, bodies, kept, rows, send
from tests.stack.look_alikes import LOOK_ALIKES

pytestmark = pytest.mark.lasting

Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def service(strict: Collector, store: Observatory) -> str:
    """One whose telemetry has all of them, everywhere."""
    service = fresh()
    send(strict, store, LOOK_ALIKES, service)
    return service


def _plain(stored: dict[str, str]) -> dict[str, Any]:
    """Attributes as they were sent: lists and maps are JSON in the store."""
    structured = ("list", "map", "keys")
    return {key: json.loads(each) if key in structured else each for key, each in stored.items()}


def _of(found: Rows, column: str) -> dict[str, dict[str, Any]]:
    """The rows by the text that they are about."""
    by = {row[column]: row for row in found}
    assert set(by) == set(LOOK_ALIKES)
    return by


@pytest.mark.parametrize("table", TABLES)
def test_resources_and_scopes(store: Observatory, service: str, table: str) -> None:
    for text, row in _of(rows(store, table, service), "ScopeName").items():
        environment = {"deployment.environment.name": "local", "service.name": service}
        assert _plain(row["ResourceAttributes"]) == kept(text) | environment
        assert row["ScopeVersion"] == text
        if "ScopeAttributes" in row:
            assert _plain(row["ScopeAttributes"]) == kept(text)
            assert (row["ResourceSchemaUrl"], row["ScopeSchemaUrl"]) == (text, text)


def test_spans(store: Observatory, service: str) -> None:
    for text, row in _of(rows(store, "otel_traces", service), "SpanName").items():
        assert _plain(row["SpanAttributes"]) == kept(text)
        assert row["StatusMessage"] == text
        assert row["Events.Name"] == [text]
        assert _plain(row["Events.Attributes"][0]) == kept(text)


def test_logs(store: Observatory, service: str) -> None:
    found = rows(store, "otel_logs", service)
    _of(found, "EventName")
    for row in found:
        text = row["EventName"]
        assert _plain(row["LogAttributes"]) == kept(text)
        assert row["SeverityText"] == text
        assert row["Body"] == text or json.loads(row["Body"]) in json.loads(
            json.dumps(bodies(text))
        )


@pytest.mark.parametrize("table", TABLES[2:])
def test_metrics(store: Observatory, service: str, table: str) -> None:
    for text, row in _of(rows(store, table, service), "MetricName").items():
        assert _plain(row["Attributes"]) == kept(text)
        assert (row["MetricDescription"], row["MetricUnit"]) == (text, text)
