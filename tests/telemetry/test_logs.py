"""Log calls become records and JSON lines, with source and trace."""

import io
import json
import logging
import os
import threading
from collections.abc import Iterator

import pytest
from opentelemetry._logs import SeverityNumber
from opentelemetry.sdk.trace import TracerProvider

from app.telemetry import vocabulary as v
from app.telemetry.kit.lines import line
from app.telemetry.kit.logs import PrivateHandler, handled
from app.telemetry.kit.request_record import RequestRecord, current
from tests.telemetry.logged import Logged

TYPED = "what was " + "typed"


@pytest.fixture
def others(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What another handler writes, in a program that configured nothing else."""
    root, stream = logging.getLogger(), io.StringIO()
    monkeypatch.setattr(root, "handlers", [logging.StreamHandler(stream)])
    monkeypatch.setattr(root, "level", logging.WARNING)
    return stream


@pytest.fixture
def logged(others: io.StringIO) -> Iterator[Logged]:
    logged = Logged()
    with handled(logged.handler, ["app"]):
        yield logged
    logged.provider.shutdown()


def leave_only_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """For what pytest's own handlers can't deal with."""
    root = logging.getLogger()
    ours = [each for each in root.handlers if isinstance(each, PrivateHandler)]
    monkeypatch.setattr(root, "handlers", ours)


def test_levels(logged: Logged) -> None:
    for each in map(logging.getLogger, ("app.somewhere", "theirs")):
        for level in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR):
            each.log(level, "said at %d", level)
    logging.getLogger("app.somewhere").critical("the end")
    assert [(each.body, each.severity_text, each.severity_number) for each in logged.records] == [
        ("said at 20", "INFO", SeverityNumber.INFO),
        ("said at 30", "WARN", SeverityNumber.WARN),
        ("said at 40", "ERROR", SeverityNumber.ERROR),
        ("said at %d", "WARN", SeverityNumber.WARN),
        ("said at %d", "ERROR", SeverityNumber.ERROR),
        ("the end", "FATAL", SeverityNumber.FATAL),
    ]
    scopes = [getattr(each.instrumentation_scope, "name", None) for each in logged.all]
    assert scopes == [*["app.somewhere"] * 3, *["theirs"] * 2, "app.somewhere"]


def test_further_fields(logged: Logged) -> None:
    logging.getLogger("app").info("said", extra={"count": 3, "otel.event.name": "happened"})
    assert (logged.attributes, logged.only.event_name) == ({"count": 3}, "happened")


def test_the_trace_that_is_under_way(logged: Logged) -> None:
    tracing = TracerProvider(shutdown_on_exit=False)
    with tracing.get_tracer("here").start_as_current_span("span") as span:
        logging.getLogger("app").info("within")
    logging.getLogger("app").info("outside")
    within, outside = logged.records
    assert (within.trace_id, within.span_id) == span.get_span_context()[:2]
    assert (outside.trace_id, outside.span_id) == (0, 0)


def test_exceptions_without_their_message(logged: Logged, others: io.StringIO) -> None:
    token = current.set(RequestRecord(attributes={v.CORE.input_hash: "0123456789abcdef"}))
    nothing: dict[str, int] = {}
    try:
        _ = nothing[TYPED]
    except KeyError:
        logging.getLogger("app").exception("failed")
    current.reset(token)
    assert TYPED in others.getvalue()  # it came first, and left all of it with the record
    assert logged.only.body == "failed"
    assert logged.attributes["exception.type"] == "KeyError"
    assert logged.attributes["exception.stacktrace"].endswith("KeyError")
    assert logged.attributes[v.CORE.input_hash] == "0123456789abcdef"
    assert set(logged.attributes) == {"exception.type", "exception.stacktrace", v.CORE.input_hash}


def test_what_ends_a_thread(logged: Logged) -> None:
    def fail() -> None:
        raise ValueError(TYPED)

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    assert logged.only.severity_text == "ERROR"
    assert logged.attributes["exception.type"] == "ValueError"
    assert TYPED not in str((logged.only.body, logged.attributes))


def test_an_exception_that_is_not_there(logged: Logged) -> None:
    logging.getLogger("app").error("failed", exc_info=True)  # noqa: LOG014
    logging.getLogger("app").error("failed", exc_info=ValueError(TYPED))
    bare, given = logged.records
    assert dict(bare.attributes or {}) == {}
    assert (given.attributes or {})["exception.type"] == "ValueError"
    assert TYPED not in str(given.attributes)


@pytest.mark.parametrize("name", ["asyncio", "application.of.others", "uvicornish"])
def test_of_others_only_the_template_s_first_line_is_emitted(logged: Logged, name: str) -> None:
    logging.getLogger(name).error("%s failed\n%s", TYPED, "why", extra={"typed": TYPED})
    logging.getLogger(name).error(ValueError(TYPED), extra={"otel.event.name": TYPED})
    emitted = [(each.body, each.event_name, each.attributes) for each in logged.records]
    assert emitted == [("%s failed", None, {}), ("ValueError", None, {})]


@pytest.mark.parametrize("name", ["app", "app.api", "uvicorn.error"])
def test_further_lines_of_ours_are_meant(logged: Logged, name: str) -> None:
    logging.getLogger(name).error("one\n%s", "two")
    assert logged.only.body == "one\ntwo"


@pytest.mark.parametrize("name", ["app", "theirs"])
def test_what_cannot_be_put_together_harms_no_other_client(
    logged: Logged, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave_only_ours(monkeypatch)

    class Unspeakable:
        def __str__(self) -> str:
            raise RuntimeError

    logger = logging.getLogger(name)
    logger.warning("%d of %s", "three", 4)
    logger.warning("%s %s", "too few")  # noqa: PLE1206
    logger.warning("%s", Unspeakable())
    logger.warning("fine")
    assert logged.records[-1].body == "fine"


@pytest.mark.parametrize("name", ["app", "theirs"])
def test_what_is_no_text_can_be_sent_all_the_same(
    logged: Logged, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave_only_ours(monkeypatch)
    logging.getLogger(name).warning("no file at " + os.fsdecode(b"/caf\xe9"))  # noqa: G003
    assert str(logged.only.body).encode().startswith(b"no file at /caf")


def test_what_logs_while_it_is_logged(logged: Logged) -> None:
    class Talkative:
        def __str__(self) -> str:
            logging.getLogger("app").info("in between")
            return "talkative"

    logging.getLogger("app").info("said by %s", Talkative())
    assert "said by talkative" in [each.body for each in logged.records]


def test_uvicorn_logs_once_and_without_colours(
    logged: Logged, capsys: pytest.CaptureFixture[str]
) -> None:
    more = {"color_message": "\033[1mStarted\033[0m", "websocket": object()}
    logging.getLogger("uvicorn.error").warning("Started", extra=more)
    assert (logged.only.body, logged.attributes) == ("Started", {})
    assert capsys.readouterr() == ("", "")


def test_a_record_is_left_as_it_was_for_others(logged: Logged) -> None:
    class Keeping(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append(record)

    seen: list[logging.LogRecord] = []
    logging.getLogger().addHandler(Keeping())
    error = ValueError(TYPED)
    logging.getLogger("theirs").error("one\n%s", "two", exc_info=error, extra={"websocket": 1})
    [record] = seen
    assert (record.getMessage(), record.args) == ("one\ntwo", ("two",))
    assert record.__dict__["websocket"] == 1
    assert (record.exc_info or (None, None))[1] is error


def test_a_line_of_a_record(logged: Logged) -> None:
    with TracerProvider(shutdown_on_exit=False).get_tracer("here").start_as_current_span("span"):
        logging.getLogger("app").warning("said\n“%s”", "é", extra={"n": 1, "otel.event.name": "x"})
    [record] = logged.all
    written = line(record)
    assert written.count(b"\n") == 1
    emitted = json.loads(written)
    assert emitted.pop("timestamp").endswith("+00:00")
    assert emitted == {
        "level": "WARN", "message": "said\n“é”", "event": "x", "logger": "app", "n": 1,
        "trace_id": f"{logged.only.trace_id:032x}", "span_id": f"{logged.only.span_id:016x}",
    }  # fmt: skip
