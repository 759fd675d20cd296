"""A Collector between the observatory and a command, as `make run COLLECTOR=1` has it."""

import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from tests.observatory.beside_process import HTTP, SENDING, BesideProcess, counted
from tests.stack.collector_process import PORTS
from tests.telemetry.receiver import refused_port
from tests.waiting import TIMEOUT

pytestmark = pytest.mark.lasting
AGAIN = "The Collector runs again"


@pytest.fixture
def ports() -> Iterator[dict[str, str]]:
    """Of its own for the Collector."""
    with ExitStack() as stack:
        taken = {each: stack.enter_context(refused_port()) for each in PORTS}
        yield {f"COLLECTOR_{each.upper()}_PORT": str(port) for each, port in taken.items()}


@pytest.fixture
def launch(otelcol: Path, tmp_path: Path, ports: dict[str, str]) -> Callable[..., BesideProcess]:
    """The launcher with a Collector in between, over a folder of this name."""
    variables = HTTP | ports | {"COLLECTOR_QUEUE": str(tmp_path / "queue")}
    options = ("--collector", str(otelcol))

    def over(name: str = "data") -> BesideProcess:
        return BesideProcess(tmp_path / name, *SENDING, options=options, **variables)

    return over


def collector(beside: BesideProcess) -> psutil.Process:
    [found] = [each for each in beside.all.children() if "otelcol" in each.name()]
    return found


def test_the_last_words_of_the_command_go_through_it(
    launch: Callable[..., BesideProcess], tmp_path: Path, ports: dict[str, str]
) -> None:
    with launch() as beside:
        started = beside.line()
        port = ports["COLLECTOR_HTTP_PORT"]
        assert started["OTEL_EXPORTER_OTLP_ENDPOINT"] == f"http://127.0.0.1:{port}"
        page = f"http://127.0.0.1:{beside.ports['page_port']}"
        assert started["VITRINE_TELEMETRY__TRACE_URL"].startswith(page)
        beside.process.send_signal(signal.SIGTERM)
        assert beside.line() == {"signal": "SIGTERM", "sent": 200}
        assert beside.ended() == 0
    # The Collector has handed it on when it ends, or keeps it: it does so at the next start.
    with launch() as beside:
        beside.line()
        beside.process.send_signal(signal.SIGTERM)
        assert beside.ended() == 0
    assert counted(tmp_path / "data") >= 1


def test_it_comes_back_when_it_is_killed_and_the_command_goes_on(
    launch: Callable[..., BesideProcess],
) -> None:
    with launch() as beside:
        beside.line()
        collector(beside).kill()
        beside.until_logged(AGAIN)
        beside.process.send_signal(signal.SIGTERM)
        assert beside.line()["sent"] == 200
        assert beside.ended() == 0


def test_it_ends_with_the_launcher_however_that_ends(
    launch: Callable[..., BesideProcess],
) -> None:
    with launch() as beside:
        beside.line()
        process = collector(beside)
        beside.process.kill()
        process.wait(TIMEOUT)


def test_without_a_port_it_says_so_and_nothing_runs(
    launch: Callable[..., BesideProcess],
) -> None:
    with launch("taken") as first:
        first.line()
        with launch() as beside:
            assert beside.ended() != 0
            assert "address already in use" in beside.output
