"""A Collector between the observatory and a command, as `make run COLLECTOR=1` has it."""

import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from tests.observatory.launching import HTTP, SENDING, Launched, counted
from tests.stack.collecting import PORTS
from tests.telemetry.receiver import refused_port
from tests.waiting import PATIENCE

pytestmark = pytest.mark.lasting
AGAIN = "The Collector runs again"


@pytest.fixture
def ports() -> Iterator[dict[str, str]]:
    """Of its own for the Collector."""
    with ExitStack() as stack:
        taken = {each: stack.enter_context(refused_port()) for each in PORTS}
        yield {f"COLLECTOR_{each.upper()}_PORT": str(port) for each, port in taken.items()}


@pytest.fixture
def launch(otelcol: Path, tmp_path: Path, ports: dict[str, str]) -> Callable[..., Launched]:
    """The launcher with a Collector in between, over a folder of this name."""
    variables = HTTP | ports | {"COLLECTOR_QUEUE": str(tmp_path / "queue")}
    options = ("--collector", str(otelcol))

    def over(name: str = "data") -> Launched:
        return Launched(tmp_path / name, *SENDING, options=options, **variables)

    return over


def collector(launched: Launched) -> psutil.Process:
    [found] = [each for each in launched.all.children() if "otelcol" in each.name()]
    return found


def test_the_last_words_of_the_command_go_through_it(
    launch: Callable[..., Launched], tmp_path: Path, ports: dict[str, str]
) -> None:
    with launch() as launched:
        started = launched.line()
        port = ports["COLLECTOR_HTTP_PORT"]
        assert started["OTEL_EXPORTER_OTLP_ENDPOINT"] == f"http://127.0.0.1:{port}"
        page = f"http://127.0.0.1:{launched.ports['page_port']}"
        assert started["VITRINE_TELEMETRY__TRACE_URL"].startswith(page)
        launched.process.send_signal(signal.SIGTERM)
        assert launched.line() == {"signal": "SIGTERM", "sent": 200}
        assert launched.ended() == 0
    # The Collector has handed it on when it ends, or keeps it: it does so at the next start.
    with launch() as launched:
        launched.line()
        launched.process.send_signal(signal.SIGTERM)
        assert launched.ended() == 0
    assert counted(tmp_path / "data") >= 1


def test_it_comes_back_when_it_is_killed_and_the_command_goes_on(
    launch: Callable[..., Launched],
) -> None:
    with launch() as launched:
        launched.line()
        collector(launched).kill()
        launched.heard(AGAIN)
        launched.process.send_signal(signal.SIGTERM)
        assert launched.line()["sent"] == 200
        assert launched.ended() == 0


def test_it_ends_with_the_launcher_however_that_ends(
    launch: Callable[..., Launched],
) -> None:
    with launch() as launched:
        launched.line()
        process = collector(launched)
        launched.process.kill()
        process.wait(PATIENCE)


def test_without_a_door_it_says_so_and_nothing_runs(
    launch: Callable[..., Launched],
) -> None:
    with launch("taken") as first:
        first.line()
        with launch() as launched:
            assert launched.ended() != 0
            assert "address already in use" in launched.said
