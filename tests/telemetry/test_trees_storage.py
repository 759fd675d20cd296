"""Spans when the database fails, and when a response is aborted half-way."""

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any, NoReturn

import pytest
from opentelemetry._logs import SeverityNumber
from opentelemetry.semconv.attributes.db_attributes import (
    DB_OPERATION_NAME,
    DB_QUERY_TEXT,
    DB_SYSTEM_NAME,
)
from opentelemetry.semconv.attributes.error_attributes import ERROR_TYPE
from opentelemetry.semconv.attributes.exception_attributes import (
    EXCEPTION_STACKTRACE,
    EXCEPTION_TYPE,
)
from opentelemetry.semconv.attributes.http_attributes import HTTP_RESPONSE_STATUS_CODE

from app.catalogue.store import COLUMNS, Catalogue
from app.recommend.stages import WRITE
from app.recommend.types import Document
from app.telemetry import vocabulary as v
from app.telemetry.kit import vocabulary as kit_names
from app.telemetry.kit.exceptions import EVENT
from tests.api.service import NDJSON, document_lines
from tests.telemetry.expected import DOCUMENT, refused, server, written
from tests.telemetry.recorded_service import OpenService
from tests.telemetry.span_trees import assert_same, client, exception, span

pytestmark = pytest.mark.anyio


async def test_a_statement_fails(
    open_service: OpenService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.catalogue.store.COLUMNS", "nonsense")
    async with open_service() as service:
        answer = await service.client.get("/documents/tide")
    statement = client(
        "SELECT",
        {
            DB_SYSTEM_NAME: "sqlite",
            DB_QUERY_TEXT: DOCUMENT.replace(COLUMNS, "nonsense"),
            DB_OPERATION_NAME: "SELECT",
            ERROR_TYPE: "OperationalError",
        },
    )
    why = exception("sqlite3.OperationalError", "rows")
    expected = refused("GET /documents/{document_id}", 500, "storage-schema", why, statement)
    assert_same(service.tree(answer), expected)
    (record,) = [each for each in service.logs_of(answer) if each.event_name == EVENT]
    assert record.severity_number is SeverityNumber.ERROR
    assert (record.attributes or {})[EXCEPTION_TYPE] == "sqlite3.OperationalError"
    assert service.wide_event(answer).severity_number is SeverityNumber.ERROR
    assert service.counts(v.CORE.problem_count) == {("storage-schema", 500): 1}
    assert service.counts(kit_names.DATABASE_DURATION) == {
        ("sqlite", "SELECT", "OperationalError"): 1
    }


@pytest.mark.parametrize("table", ["documents", "words"])
async def test_each_failed_request_has_one_exception(
    open_service: OpenService, shelf_data: Path, table: str
) -> None:
    """On the span where it happened, with a stack that leads through the application."""
    async with open_service() as service:
        with closing(sqlite3.connect(shelf_data / "catalogue.db")) as connection, connection:
            connection.execute(f"DROP TABLE {table}")
        statuses = [(await service.ask(f"stale bread {each}")).status_code for each in range(70)]
    assert {each // 100 for each in statuses} == {5}
    spans = {each.context.span_id: each for each in service.spans}
    holders = [span for span in service.spans for each in span.events if each.name == "exception"]
    assert len(holders) == len({each.context.trace_id for each in holders}) == 70
    for each in holders:
        stack = str(dict(each.events[0].attributes or {})[EXCEPTION_STACKTRACE])
        assert "/app/recommend/" in stack
        assert "opentelemetry/instrumentation" not in stack
        parent = spans[each.parent.span_id] if each.parent else None
        assert parent is None or (parent.attributes or {})[ERROR_TYPE]


@pytest.fixture
def _breaking(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first batch is written, the next ones fail."""
    put, batches = Catalogue.put, count(1)

    def breaks_later(catalogue: Catalogue, documents: Sequence[Document]) -> Any:
        if next(batches) > 1:
            raise RuntimeError(documents[0].title)
        return put(catalogue, documents)

    monkeypatch.setattr(Catalogue, "put", breaks_later)


@pytest.mark.usefixtures("_breaking")
async def test_an_import_breaks_off(open_service: OpenService) -> None:
    """Its status had gone out; the server span has the failure's type, its stage has the stack."""
    async with open_service() as service:
        answer = await service.client.post(
            "/documents", content=document_lines(230), headers=NDJSON
        )
    assert [json.loads(each)["outcome"] for each in answer.text.splitlines()] == ["created"] * 100
    why, error = exception("RuntimeError", "breaks_later"), {ERROR_TYPE: "RuntimeError"}
    about = {v.BATCH_SIZE: 100, v.OUTCOME_COUNTS["created"]: 100}
    done = span(WRITE, about, *written("catalogue"))
    broken = span(WRITE, error, why)
    emitted = {**error, v.CORE.aborted: True}
    expected = server("POST /documents", 200, emitted, done, broken)
    assert_same(service.tree(answer), expected)
    counts = service.counts(v.CORE.stage_duration)
    assert (counts[WRITE, None], counts[WRITE, "RuntimeError"]) == (1, 1)
    assert service.counts(v.DOCUMENTS_WRITTEN) == {("created",): 100}


@pytest.mark.usefixtures("_breaking")
async def test_what_breaks_off_has_a_wide_event_too(open_service: OpenService) -> None:
    async with open_service() as service:
        answer = await service.client.post(
            "/documents", content=document_lines(230), headers=NDJSON
        )
    event = service.wide_event(answer)
    assert event.severity_number in (SeverityNumber.WARN, SeverityNumber.ERROR)
    emitted = {v.CORE.aborted: True, ERROR_TYPE: "RuntimeError", HTTP_RESPONSE_STATUS_CODE: 200}
    assert emitted.items() <= (event.attributes or {}).items()


@pytest.mark.usefixtures("_breaking")
async def test_telemetry_that_breaks_as_well_leaves_no_request_behind(
    open_service: OpenService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is under way is counted down, whatever happens at the end."""

    def breaks(*_: object) -> NoReturn:
        raise RuntimeError

    monkeypatch.setattr("app.telemetry.kit.requests.RequestTelemetry.emit", breaks)
    async with open_service() as service:
        await service.client.post("/documents", content=document_lines(230), headers=NDJSON)
        service.telemetry.flush()
        assert service.counts(v.CORE.active_requests) == {(): 0}
