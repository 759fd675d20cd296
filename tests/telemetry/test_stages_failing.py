"""Failures of telemetry are logged, and never reach the caller."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NoReturn

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import Span as SdkSpan
from opentelemetry.trace import INVALID_SPAN

from app.recommend.stages import ANALYZE, RECOMMEND, RETRY_STARTED
from app.recommend.types import Request
from app.telemetry.kit.measurements import Instruments
from app.telemetry.kit.request_record import RequestRecord, current
from tests.telemetry.observed_stages import QUERY, Watch

ASKED = Request("stale bread")


class Broken(Exception):
    """Something in telemetry fails."""


def fail(*_: object, **__: object) -> NoReturn:
    raise Broken


@pytest.fixture
def watch() -> Iterator[Watch]:
    token = current.set(RequestRecord())
    yield Watch()
    current.reset(token)


def complaints(caplog: pytest.LogCaptureFixture) -> list[type[BaseException] | None]:
    """The failures that were logged as such."""
    ours = [each for each in caplog.records if each.name.startswith("app.telemetry")]
    return [each.exc_info[0] for each in ours if each.levelno == logging.ERROR and each.exc_info]


@pytest.fixture(params=["facts", "measurements", "record", "attributes"])
def broken(request: pytest.FixtureRequest, watch: Watch, monkeypatch: pytest.MonkeyPatch) -> str:
    """What fails when a stage ends."""
    place: str = request.param
    match place:
        case "measurements":
            monkeypatch.setattr(Instruments, "record", fail)
        case "record":
            monkeypatch.setattr(RequestRecord, "add", fail)
        case "attributes":
            monkeypatch.setattr(SdkSpan, "set_attributes", fail)
        case _:
            watch.stages.config = replace(watch.stages.config, describe=fail)
    return place


@pytest.mark.usefixtures("broken")
def test_the_work_goes_on(watch: Watch, caplog: pytest.LogCaptureFixture) -> None:
    with watch.stages.observe(ANALYZE, ASKED) as stage:
        stage.result = QUERY
    assert complaints(caplog) == [Broken]
    assert watch.only.end_time is not None
    assert trace.get_current_span() is INVALID_SPAN


@pytest.mark.usefixtures("broken")
def test_the_failure_of_the_work_is_the_one_that_is_seen(
    watch: Watch, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(ZeroDivisionError) as caught, watch.stages.observe(ANALYZE, ASKED):
        _ = 1 // 0
    assert caught.value.__context__ is None
    assert complaints(caplog) == [Broken]
    assert watch.only.name == ANALYZE
    assert trace.get_current_span() is INVALID_SPAN


@pytest.mark.usefixtures("broken")
def test_the_stages_around_it_go_on(watch: Watch) -> None:
    with watch.stages.observe(RECOMMEND), watch.stages.observe(ANALYZE) as stage:
        stage.result = QUERY
    with watch.tracer.start_as_current_span("next"):
        pass
    assert [(span.name, span.parent) for span in watch.spans] == [
        (ANALYZE, None),
        ("next", None),
    ]


@pytest.mark.parametrize("place", ["hasher", "start", "end"])
def test_the_work_goes_on_whatever_else_fails(
    place: str, watch: Watch, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stages: Any = watch.stages
    match place:
        case "hasher":
            stages.hasher = fail
        case "start":
            monkeypatch.setattr(type(watch.tracer), "start_span", fail)
        case _:
            monkeypatch.setattr(SdkSpan, "end", fail)
    done = False
    with watch.stages.observe(ANALYZE, ASKED) as stage:
        stage.result, done = QUERY, True
    assert done
    assert complaints(caplog) == [Broken]
    assert trace.get_current_span() is INVALID_SPAN


@pytest.mark.parametrize("place", ["measurements", "span"])
def test_an_occurrence_goes_on(
    place: str, watch: Watch, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with watch.stages.observe(ANALYZE):
        if place == "span":
            monkeypatch.setattr(SdkSpan, "add_event", fail)
        else:
            monkeypatch.setattr(Instruments, "record", fail)
        watch.stages.note(RETRY_STARTED)
        monkeypatch.undo()
    assert complaints(caplog) == [Broken]


def test_an_undeclared_event_is_reported_and_nothing_raised(
    watch: Watch, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(Instruments, "record", fail)  # it would be reported, too
    watch.stages.note("misspelt")
    assert [each.getMessage() for each in caplog.records] == [
        "the event “misspelt” is not declared in the vocabulary"
    ]
