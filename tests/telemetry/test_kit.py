"""The kit observes a service that is not ours, and knows nothing of ours."""

import ast
import logging
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from textwrap import dedent
from typing import Any
from unittest.mock import patch

import httpx
import pytest
from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import PlainTextResponse
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.baggage import set_baggage
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import attach, detach
from opentelemetry.propagate import get_global_textmap, set_global_textmap
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, TracerProvider
from opentelemetry.semconv.attributes.db_attributes import DB_QUERY_TEXT, DB_SYSTEM_NAME
from opentelemetry.semconv.attributes.error_attributes import ERROR_TYPE
from opentelemetry.semconv.attributes.http_attributes import HTTP_RESPONSE_STATUS_CODE
from opentelemetry.trace import SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from sqlalchemy import create_engine, text
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlalchemy.engine.interfaces import BindTyping
from sqlalchemy.exc import OperationalError
from starlette.types import Receive, Scope, Send

import app.telemetry.kit
from app.telemetry.kit.facts import Facts
from app.telemetry.kit.kit import Kit
from app.telemetry.kit.privacy import private, without_literals
from app.telemetry.kit.settings import KitSettings
from app.telemetry.kit.testing import Recorder, broken_traces, leaks, violations
from app.telemetry.kit.vocabulary import DATABASE_DURATION, Event
from examples import shop
from tests.api.service import client_of
from tests.cases import cases

pytestmark = pytest.mark.anyio
KIT = Path(app.telemetry.kit.__file__).parent
CANARY = "zyzzy4111111111111111"
NO_TELEMETRY: Any = {"tracing": False, "metrics": False, "logs": False}


def test_it_imports_nothing_of_the_service() -> None:
    for file in KIT.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom):
                foreign = node.level > 1 or (node.level == 0 and str(node.module).startswith("app"))
                assert not foreign, f"{file.name} imports {node.module}"
            elif isinstance(node, ast.Import):
                assert not any(each.name.startswith("app") for each in node.names), file.name


def test_a_copy_of_the_folder_works_alone(tmp_path: Path) -> None:
    """With its default settings, and nothing else of the repository."""
    shutil.copytree(KIT, tmp_path / "copied", ignore=shutil.ignore_patterns("__pycache__"))
    program = """
        import importlib, pkgutil, copied
        for each in pkgutil.iter_modules(copied.__path__):
            importlib.import_module("copied." + each.name)
        from copied.kit import Kit
        from copied.settings import KitSettings
        from copied.testing import Recorder
        from copied.vocabulary import CoreNames, Vocabulary
        vocabulary = Vocabulary.of(CoreNames("copy"), [])
        kit = Kit("copy", "1", vocabulary, KitSettings(), (recorder := Recorder()).exporters(),
                  loggers=["copy"])
        with kit.stages.observe("work"):
            pass
        kit.close()
        print([each.name for each in recorder.spans])
    """
    command = [sys.executable, "-c", dedent(program)]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (run.stdout, run.stderr) == ("['work']\n", "")


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def kit(recorder: Recorder) -> Iterator[Kit]:
    settings = KitSettings(logs="off")
    made = Kit("shop", "1.0", shop.VOCABULARY, settings, recorder.exporters(), loggers=["shop"])
    yield made
    made.close()


@pytest.mark.parametrize(("disabled", "enabled"), [("True", True), ("", False)])
async def test_off_leaves_the_service_and_its_logging_as_they_are(
    disabled: str, enabled: bool, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def state() -> list[object]:
        return [service.user_middleware[:], *(each.handlers[:] for each in loggers)]

    monkeypatch.setenv("OTEL_SDK_DISABLED", disabled)
    service, loggers = FastAPI(), [*map(logging.getLogger, ("", "uvicorn.error"))]
    monkeypatch.setattr(loggers[1], "handlers", [logging.NullHandler()])
    before, settings = state(), KitSettings(enabled=enabled, logs="json")
    kit = Kit("shop", "1.0", shop.VOCABULARY, settings, recorder.exporters(), loggers=["shop"])
    async with kit.around(service):
        assert state() == before
    with kit.command() as stages, stages.observe("price item"):
        assert state() == before
    kit.flush()
    assert (recorder.spans, recorder.records, recorder.metrics.exports) == ((), [], [])


@pytest.mark.parametrize(
    ("chosen", "sent"),
    [("", ["traceparent"]), ("tracecontext,baggage", ["baggage", "traceparent"])],
)
def test_outgoing_calls_carry_the_baggage_only_if_it_is_chosen(
    chosen: str, sent: list[str], recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        received.extend(sorted({"traceparent", "baggage"} & request.headers.keys()))
        return httpx.Response(200)

    received: list[str] = []
    monkeypatch.setenv("OTEL_PROPAGATORS", chosen)
    before, token = get_global_textmap(), attach(set_baggage("user", CANARY))
    default = [TraceContextTextMapPropagator(), W3CBaggagePropagator()]
    set_global_textmap(CompositePropagator(default))
    try:
        settings = KitSettings(logs="off")
        kit = Kit("shop", "1.0", shop.VOCABULARY, settings, recorder.exporters(), loggers=["shop"])
        with httpx.Client(transport=httpx.MockTransport(answer)) as client:
            kit.client(client)
            client.get("http://elsewhere.example/")
        kit.close()
    finally:
        detach(token)
        set_global_textmap(before)
    assert received == sent


@cases("secret", ["Müller", "STRASSE", 'O"Brien', "back\\slash", "two\nlines"])
def test_a_leak_is_found_however_it_is_written(secret: str) -> None:
    recorder = Recorder()
    settings = KitSettings(logs="off")
    kit = Kit("shop", "1.0", shop.VOCABULARY, settings, recorder.exporters(), loggers=["shop"])
    with kit.stages.observe("price item") as stage:
        stage.set("typed", f"by {secret.lower()}.")
    kit.close()
    assert leaks(recorder, [secret, CANARY]) == [secret]


def test_statements_of_sqlalchemy(kit: Kit, recorder: Recorder) -> None:
    """Spans within their stage, durations, and no value: neither parameters nor literals."""
    engine = create_engine("sqlite://")
    kit.sqlalchemy(engine)
    with kit.stages.observe("price item"), engine.connect() as connection:
        connection.execute(text(f"SELECT '{CANARY}', :typed, 41114111"), {"typed": CANARY})
        with pytest.raises(OperationalError):
            connection.execute(text("SELECT 1 FROM nowhere"))
    kit.flush()
    done, failed, stage = recorder.spans
    assert {done.name, failed.name} == {"SELECT"}
    assert done.parent == failed.parent == stage.context
    assert (done.attributes or {})[DB_QUERY_TEXT] == "SELECT ?, ?, ?"
    assert failed.status.status_code is StatusCode.ERROR
    assert (failed.attributes or {})[ERROR_TYPE] == "OperationalError"
    counts = recorder.counts(DATABASE_DURATION)
    assert counts == {("sqlite", "SELECT", None): 1, ("sqlite", "SELECT", "OperationalError"): 1}
    assert leaks(recorder, [CANARY, "41114111"]) == []


def test_statements_of_sqlalchemy_that_fail_elsewhere(kit: Kit, recorder: Recorder) -> None:
    """While rows are fetched, and before the statement: neither is counted as a statement."""
    engine = create_engine("sqlite://")
    kit.sqlalchemy(engine)
    rows = "SELECT abs(column1) FROM (VALUES (1), (-9223372036854775808))"
    with engine.connect() as connection:
        with pytest.raises(OperationalError, match="integer overflow"):
            connection.execute(text(rows)).all()
        engine.dialect.bind_typing = BindTyping.SETINPUTSIZES  # as those of Oracle's and others
        with (
            patch.object(DefaultExecutionContext, "_prepare_set_input_sizes", lambda _: True),
            pytest.raises(NotImplementedError),  # SQLite's has none
        ):
            connection.execute(text("SELECT :typed"), {"typed": 1})
    kit.flush()
    assert [each.status.status_code for each in recorder.spans] == [StatusCode.UNSET]
    assert recorder.counts(DATABASE_DURATION) == {("sqlite", "SELECT", None): 1}


@cases(
    ("dialect", "system"),
    [("mariadb", "mariadb"), ("mssql", "microsoft.sql_server"), ("oracle", "oracle.db"),
     ("firebird", "other_sql")],
)  # fmt: skip
def test_the_system_of_a_dialect(dialect: str, system: str) -> None:
    recorder, engine = Recorder(), create_engine("sqlite://")
    settings = KitSettings(logs="off")
    kit = Kit("shop", "1.0", shop.VOCABULARY, settings, recorder.exporters(), loggers=["shop"])
    engine.dialect.name = dialect
    kit.sqlalchemy(engine)
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))
    kit.close()
    assert [(each.attributes or {})[DB_SYSTEM_NAME] for each in recorder.spans] == [system]


async def test_an_untraced_path_has_no_spans_of_its_own() -> None:
    engine = create_engine("sqlite://")

    def ready(request: Request) -> None:
        request.state.kit.sqlalchemy(engine)
        with request.state.kit.stages.observe("price item"), engine.connect() as connection:
            connection.execute(text("SELECT 1"))

    recorder = await observed(["/readyz"], service_with("/readyz", ready))
    assert (recorder.spans, recorder.records) == ((), [])


def test_what_limits_dropped_is_counted_on_rewritten_spans() -> None:
    limits = SpanLimits(max_span_attributes=2, max_events=1, max_links=1)
    span = TracerProvider(span_limits=limits).get_tracer("x").start_span("x")
    span.set_attributes({"oldest": 1, "db.system.name": "sqlite", "db.query.text": "SELECT 1"})
    for name in ("one", "two"):
        span.add_event(name)
        span.add_link(span.get_span_context())
    assert isinstance(span, ReadableSpan)
    span.end()
    sent = private(span)
    assert sent is not span
    assert (sent.dropped_attributes, sent.dropped_events, sent.dropped_links) == (1, 1, 1)


@cases(
    ("statement", "shown"),
    [
        ("SELECT 'it''s' || name1 FROM t2 LIMIT 10", "SELECT ? || name1 FROM t2 LIMIT ?"),
        ("SELECT $1, :p2, ?3, @p4, 1.5e3, 0xff, x-7", "SELECT $1, :p2, ?3, @p4, ?, ?, x-?"),
        ("SELECT 'unclosed", "SELECT ?"),
        ("INSERT INTO t (a) VALUES (?, ?)", "INSERT INTO t (a) VALUES (?, ?)"),
    ],
)
def test_statements_without_literals(statement: str, shown: str) -> None:
    for system in ("postgresql", "mysql", "sqlite", "other_sql"):
        assert without_literals(statement, system) == shown


@cases(
    ("system", "statement", "shown"),
    [
        ("mysql", r"SELECT 'it\'s ada@x.org', name", "SELECT ?, name"),
        ("mariadb", r'SELECT "ada\"@x.org", name', "SELECT ?, name"),
        ("mysql", "SELECT 'unclosed \\", "SELECT ?"),
        ("sqlite", 'SELECT "ada@x.org", name', "SELECT ?, name"),
        ("sqlite", r"SELECT 'C:\', 'ada'", "SELECT ?, ?"),
        ("postgresql", """SELECT 'C:\\', "Name" """, 'SELECT ?, "Name" '),
        ("postgresql", r"SELECT E'it\'s ada@x.org', name", "SELECT ?, name"),
        ("other_sql", r"SELECT 'C:\', 'ada'", "SELECT ?, ?"),
    ],
)
def test_quotes_of_each_system(system: str, statement: str, shown: str) -> None:
    assert without_literals(statement, system) == shown


@asynccontextmanager
async def recorded(service: FastAPI) -> AsyncIterator[tuple[httpx.AsyncClient, Recorder]]:
    """A client of a service with the shop's lifespan, and what the service emits."""
    recorder = Recorder()
    with (
        patch("examples.shop.otlp_exporters", lambda _: recorder.exporters()),
        patch("examples.shop.use_globally"),
    ):
        async with (
            service.router.lifespan_context(service) as state,
            client_of(
                lambda scope, receive, send: service({**scope, "state": state}, receive, send)
            ) as client,
        ):
            yield client, recorder
            state["kit"].flush()  # type: ignore[index]


async def observed(paths: list[str], service: FastAPI) -> Recorder:
    """What is emitted while the paths are requested."""
    async with recorded(service) as (client, recorder):
        for path in paths:
            await client.get(path)
    return recorder


def service_with(path: str, handler: Any, **options: Any) -> FastAPI:
    """A service of one route, with the shop's telemetry."""
    service = FastAPI(lifespan=shop.lifespan, telemetry=NO_TELEMETRY, **options)
    service.add_api_route(path, handler)
    return service


def wide_event(recorder: Recorder) -> LogRecord:
    """The only one."""
    (event,) = [each for each in recorder.records if each.event_name == shop.CORE.answered]
    return event


async def test_another_service_is_observed() -> None:
    recorder = await observed(["/price?item=bread", f"/price?item={CANARY}"], shop.app)
    found, unknown = [each for each in recorder.spans if each.name == "price item"]
    assert (found.attributes or {})[shop.DISCOUNTED] is True
    assert unknown.status.status_code is StatusCode.UNSET  # the caller's mistake
    assert recorder.counts(shop.AMOUNT) == {(True,): 1}
    served, refused = [each for each in recorder.records if each.event_name == "request.answered"]
    assert (served.attributes or {})["http.response.status_code"] == 200
    assert (refused.attributes or {})["http.response.status_code"] == 404
    assert {each.trace_id for each in (served, refused)} == {
        each.context.trace_id for each in (found, unknown)
    }
    assert violations(recorder, shop.VOCABULARY) == []
    assert leaks(recorder, [CANARY]) == []
    assert broken_traces(recorder) == []


async def test_an_http_exception_is_an_answer_and_no_defect(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def gone(*_: object) -> None:
        raise HTTPException(410)

    monkeypatch.setattr(shop, "price_of", gone)
    recorder = await observed(["/price?item=tea"], shop.app)
    assert [event for span in recorder.spans for event in span.events] == []
    assert [each.event_name for each in recorder.records] == ["request.answered"]


async def test_what_nothing_handles_is_a_500_with_its_stack(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shop, "price_of", lambda *_: 1 // 0)
    recorder = await observed([f"/price?item={CANARY}"], shop.app)
    exceptions = [event for span in recorder.spans for event in span.events]
    assert [each.name for each in exceptions] == ["exception"]
    assert [each.event_name for each in recorder.records] == ["exception", "request.answered"]
    (wide,) = [each for each in recorder.records if each.event_name == "request.answered"]
    assert (wide.attributes or {})["http.response.status_code"] == 500
    assert wide.severity_number is SeverityNumber.ERROR
    assert leaks(recorder, [CANARY]) == []


async def own_handler(_: Request, __: Exception) -> Response:
    return PlainTextResponse("we are sorry", 503)


def fail() -> None:
    raise ValueError(CANARY)


@pytest.mark.parametrize(
    ("options", "status", "answered"),
    [
        ({}, 500, '{"title":"Internal Server Error","status":500}'),
        ({"exception_handlers": {Exception: own_handler}}, 503, "we are sorry"),
        ({"exception_handlers": {500: own_handler}}, 503, "we are sorry"),
        ({"debug": True}, 500, f"ValueError: {CANARY}"),
    ],
)
async def test_the_service_answers_what_nothing_handles_if_it_can(
    options: dict[str, Any], status: int, answered: str
) -> None:
    async with recorded(service_with("/fail", fail, **options)) as (client, recorder):
        answer = await client.get("/fail")
    assert (answer.status_code, answered in answer.text) == (status, True)
    assert "traceresponse" in answer.headers
    assert (wide_event(recorder).attributes or {})[HTTP_RESPONSE_STATUS_CODE] == status
    assert [each.event_name for each in recorder.records] == ["exception", "request.answered"]
    assert leaks(recorder, [CANARY]) == []


class Unanswered(Response):
    """Sends nothing."""

    async def __call__(self, *_: object) -> None: ...


class Unfinished(Response):
    """Fails after the status was sent."""

    async def __call__(self, _: object, __: object, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ValueError(CANARY)


@pytest.mark.parametrize(
    ("response", "status", "error"),
    [(Unanswered(), None, "_OTHER"), (Unfinished(), 200, "ValueError")],
)
async def test_a_response_that_is_missing_or_broken_off_is_an_error(
    response: Response, status: int | None, error: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the work itself was done."""
    served = Facts(wide_event=Event("item.served", "an item was served", wide=True))
    monkeypatch.setattr(shop, "facts", lambda _: served)

    async def work(request: Request) -> Response:
        with request.state.kit.stages.observe("price item"):
            return response

    async with recorded(service_with("/work", work)) as (client, recorder):
        with suppress(AssertionError):  # there may be nothing to return
            await client.get("/work")
    (event,) = [each for each in recorder.records if each.event_name != "exception"]
    (root,) = [each for each in recorder.spans if each.kind is SpanKind.SERVER]
    assert event.event_name == ("item.served" if status else "request.answered")
    assert (event.attributes or {}).get(HTTP_RESPONSE_STATUS_CODE) == status
    assert (event.attributes or {})[ERROR_TYPE] == (root.attributes or {})[ERROR_TYPE] == error
    assert root.status.status_code is StatusCode.ERROR
    assert recorder.counts(shop.CORE.problem_count) == {("broken-off", status): 1}


class Explained(PlainTextResponse):
    """Sends a message of an extension of ASGI too, as templates do for tests."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.debug", "info": {}})
        await super().__call__(scope, receive, send)


async def test_only_the_body_ends_a_response() -> None:
    recorder = await observed(["/work"], service_with("/work", lambda: Explained("done")))
    assert (wide_event(recorder).attributes or {})[HTTP_RESPONSE_STATUS_CODE] == 200
