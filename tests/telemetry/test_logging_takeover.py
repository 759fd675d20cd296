"""Logging is taken over for a while, and given back as it was."""

import logging
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from app.telemetry.kit.logs import (
    UNWANTED,
    WITH_THEIR_OWN_HANDLERS,
    PrivateHandler,
    handled,
    silenced,
)
from tests.telemetry.logged import Logged

NAMES = ("", "app", *WITH_THEIR_OWN_HANDLERS, *UNWANTED)


def state() -> dict[str, Any]:
    """Everything that can be set about the loggers, and where failures of threads go."""
    loggers = {name: logging.getLogger(name) for name in NAMES}
    found = {
        name: (each.level, list(each.handlers), each.propagate, each.disabled, each.filters)
        for name, each in loggers.items()
    }
    return found | {"threads": threading.excepthook}


@pytest.fixture(params=["as they are", "configured"])
def _loggers(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The loggers, which the operator may have configured."""
    if request.param == "configured":
        for number, name in enumerate(NAMES[1:], 1):
            logger = logging.getLogger(name)
            monkeypatch.setattr(logger, "level", number)
            monkeypatch.setattr(logger, "handlers", [logging.NullHandler()])
            monkeypatch.setattr(logger, "propagate", number % 2 == 0)


@pytest.fixture
def logged() -> Iterator[Logged]:
    logged = Logged()
    yield logged
    logged.provider.shutdown()


def output(logged: Logged) -> list[object]:
    return [each.body for each in logged.records]


@pytest.mark.usefixtures("_loggers")
def test_it_is_given_back(logged: Logged) -> None:
    before = state()
    with silenced(), handled(logged.handler, ["app"]):
        assert state() != before
    assert state() == before


@pytest.mark.usefixtures("_loggers")
def test_it_is_given_back_after_a_failure(logged: Logged) -> None:
    before = state()
    with pytest.raises(ZeroDivisionError), silenced(), handled(logged.handler, ["app"]):
        _ = 1 // 0
    assert state() == before


@pytest.mark.usefixtures("_loggers")
def test_it_is_given_back_by_several(logged: Logged) -> None:
    before = state()
    with ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(silenced())
            stack.enter_context(handled(logged.handler, ["app"]))
    assert state() == before


def test_what_is_emitted_before_and_after_is_not_recorded(logged: Logged) -> None:
    ours = logging.getLogger("app.somewhere")
    recorded = [ours.isEnabledFor(logging.INFO)]
    ours.warning("before")
    with handled(logged.handler, ["app"]):
        recorded.append(ours.isEnabledFor(logging.INFO))
        ours.info("meanwhile")
    recorded.append(ours.isEnabledFor(logging.INFO))
    ours.warning("after")
    assert (recorded, output(logged)) == ([False, True, False], ["meanwhile"])


@pytest.mark.parametrize(
    ("root", "own", "lowest"),
    [
        (logging.WARNING, logging.NOTSET, logging.INFO),
        (logging.WARNING, logging.ERROR, logging.ERROR),
        (logging.WARNING, logging.DEBUG, logging.DEBUG),
        (logging.DEBUG, logging.NOTSET, logging.DEBUG),
    ],
)
def test_a_level_that_is_set_stays(
    root: int, own: int, lowest: int, logged: Logged, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger(), "level", root)
    logging.getLogger("app").setLevel(own)
    try:
        with handled(logged.handler, ["app"]):
            assert logging.getLogger("app").getEffectiveLevel() == lowest
    finally:
        logging.getLogger("app").setLevel(logging.NOTSET)


@pytest.mark.usefixtures("_loggers")
def test_uvicorn_logs_once(logged: Logged) -> None:
    with silenced(), handled(logged.handler, ["app"]):
        logging.getLogger("uvicorn.error").error("started")
        logging.getLogger("uvicorn").error("also")
    assert output(logged) == ["started", "also"]


@pytest.mark.parametrize("name", UNWANTED)
def test_the_unwanted_are_not_recorded(name: str, logged: Logged) -> None:
    with silenced(), handled(logged.handler, ["app"]):
        logging.getLogger(f"{name}.deeper").critical("storm")
        logging.getLogger(name).critical("storm")
    assert output(logged) == []


def test_one_handler_only(logged: Logged) -> None:
    with handled(logged.handler, ["app"]):
        ours = [each for each in logging.getLogger().handlers if isinstance(each, PrivateHandler)]
    assert len(ours) == 1
