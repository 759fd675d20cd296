"""A Collector between the observatory and a command, as `make run COLLECTOR=1` has it."""

import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from tests.observatory.launching import HTTP, SENDING, Launched, counted
from tests.processes import PATIENCE
from tests.stack.collecting import PORTS
from tests.telemetry.receiver import refused_port

GONE = "The Collector has ended"


@pytest.fixture
def variables(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Ports of its own for the Collector, and its queue."""
    with ExitStack() as stack:
        ports = {each: stack.enter_context(refused_port()) for each in PORTS}
        named = {f"COLLECTOR_{each.upper()}_PORT": str(port) for each, port in ports.items()}
        yield HTTP | named | {"COLLECTOR_QUEUE": str(tmp_path / "queue")}


def collector(launched: Launched) -> psutil.Process:
    [found] = [each for each in launched.all.children() if "otelcol" in each.name()]
    return found


def test_the_last_words_of_the_command_go_through_it(
    otelcol: Path, tmp_path: Path, variables: dict[str, str]
) -> None:
    options = ("--collector", str(otelcol))
    with Launched(tmp_path / "data", *SENDING, options=options, **variables) as launched:
        started = launched.line()
        port = variables["COLLECTOR_HTTP_PORT"]
        assert started["OTEL_EXPORTER_OTLP_ENDPOINT"] == f"http://127.0.0.1:{port}"
        page = f"http://127.0.0.1:{launched.ports['page_port']}"
        assert started["VITRINE_TELEMETRY__TRACE_URL"].startswith(page)
        launched.process.send_signal(signal.SIGTERM)
        assert launched.line() == {"signal": "SIGTERM", "sent": 200}
        assert launched.ended() == 0
    # The Collector has handed it on when it ends, or keeps it: it does so at the next start.
    with Launched(tmp_path / "data", *SENDING, options=options, **variables) as launched:
        launched.line()
        launched.process.send_signal(signal.SIGTERM)
        assert launched.ended() == 0
    assert counted(tmp_path / "data") >= 1


def test_that_it_ends_is_said_and_the_command_goes_on(
    otelcol: Path, tmp_path: Path, variables: dict[str, str]
) -> None:
    options = ("--collector", str(otelcol))
    with Launched(tmp_path / "data", *SENDING, options=options, **variables) as launched:
        launched.line()
        collector(launched).kill()
        launched.heard(GONE)
        launched.process.send_signal(signal.SIGTERM)
        assert launched.line()["sent"] is None
        assert launched.ended() == 0


def test_it_ends_with_the_launcher_however_that_ends(
    otelcol: Path, tmp_path: Path, variables: dict[str, str]
) -> None:
    options = ("--collector", str(otelcol))
    with Launched(tmp_path / "data", *SENDING, options=options, **variables) as launched:
        launched.line()
        process = collector(launched)
        launched.process.kill()
        process.wait(PATIENCE)


def test_without_a_door_it_says_so_and_nothing_runs(
    otelcol: Path, tmp_path: Path, variables: dict[str, str]
) -> None:
    options = ("--collector", str(otelcol))
    with Launched(tmp_path / "taken", *SENDING, options=options, **variables) as first:
        first.line()
        with Launched(tmp_path / "data", *SENDING, options=options, **variables) as launched:
            assert launched.ended() != 0
            assert "address already in use" in launched.said
