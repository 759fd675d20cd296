"""The command beside the observatory: with what it is started, and how both end."""

import json
import os
import signal
import socket
import sys
from pathlib import Path

import httpx
import psutil
import pytest

from tests.observatory.beside_process import HTTP, SENDING, BesideProcess, counted
from tests.observatory.messages import request, span
from tests.observatory.observatory_process import Observatory
from tests.waiting import TIMEOUT, until

pytestmark = pytest.mark.lasting

PRINT = """
import json, os, sys
print(json.dumps([dict(os.environ), sys.argv[1:]]), flush=True)
sys.exit(7)
"""
PRINTING = (sys.executable, "-c", PRINT)
HERE = "http://127.0.0.1"
AGAIN = "runs again"


def printed(beside: BesideProcess) -> tuple[dict[str, str], list[str]]:
    assert beside.process.stdout is not None
    given, arguments = json.loads(beside.process.stdout.readline())
    return given, arguments


def send(endpoint: str) -> int:
    """Send a span; the status."""
    body = request("traces", [span("before the kill")]).SerializeToString()
    kind = {"content-type": "application/x-protobuf"}
    return httpx.post(f"{endpoint}/v1/traces", content=body, headers=kind).status_code


def test_the_command_finds_the_observatory(tmp_path: Path) -> None:
    with BesideProcess(tmp_path, *PRINTING, "--help", "-x", "a b") as beside:
        given, arguments = printed(beside)
        assert beside.ended() == 7
    assert given["OTEL_EXPORTER_OTLP_ENDPOINT"] == f"{HERE}:{beside.ports['grpc_port']}"
    page = f"{HERE}:{beside.ports['page_port']}"
    assert given["VITRINE_TELEMETRY__TRACE_URL"] == f"{page}/trace/{{trace_id}}"
    assert page in beside.output
    assert arguments == ["--help", "-x", "a b"]


def test_what_the_user_chose_wins(tmp_path: Path) -> None:
    chosen = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9",
        "VITRINE_TELEMETRY__TRACE_URL": "https://traces.example/{trace_id}",
        "VITRINE_TOKEN": "a token of their own",
    }
    with BesideProcess(tmp_path, *PRINTING, **chosen) as beside:
        given, _ = printed(beside)
    assert given.items() >= chosen.items()


def test_the_last_words_of_the_command_are_stored(tmp_path: Path) -> None:
    """Ctrl-C, too: a terminal sends it to the whole group, of which the observatory is none."""
    for number, kill in ((signal.SIGTERM, os.kill), (signal.SIGINT, os.killpg)):
        with BesideProcess(tmp_path, *SENDING, **HTTP) as beside:
            endpoint = beside.line()["OTEL_EXPORTER_OTLP_ENDPOINT"]
            assert endpoint == f"{HERE}:{beside.ports['http_port']}"
            observatory = beside.observatory()
            kill(beside.process.pid, number)
            assert beside.line() == {"signal": number.name, "sent": 200}
            assert beside.ended() == 0
            assert not observatory.is_running()
    assert counted(tmp_path) == 2


def test_what_is_killed_comes_back_and_the_others_go_on(tmp_path: Path) -> None:
    with BesideProcess(tmp_path, *SENDING, **HTTP) as beside:
        first = beside.line()
        observatory = beside.observatory()
        os.kill(first["pid"], signal.SIGKILL)
        command = beside.line()
        assert command.items() - first.items() == {("pid", command["pid"])}
        assert beside.observatory() == observatory
        assert send(first["OTEL_EXPORTER_OTLP_ENDPOINT"]) == 200
        observatory.kill()
        until(lambda: beside.output.count(AGAIN) == 2)
        beside.process.send_signal(signal.SIGTERM)
        assert beside.line() == {"signal": "SIGTERM", "sent": 200}
        assert beside.ended() == 0
    page = f"{HERE}:{beside.ports['page_port']}"
    assert "was killed by SIGKILL. It is restarted in 0.5 s (1 of" in beside.output
    assert f"Its last log records: {page}/logs" in beside.output
    with Observatory(tmp_path) as again:
        assert again.value("SELECT count() FROM otel.otel_traces") == 2
        events = again.rows("SELECT DISTINCT Timestamp, EventName FROM otel.otel_logs ORDER BY ALL")
    died = ["process.ended", "process.restarted"]
    assert [each["EventName"] for each in events] == ["run.started", *died, *died, "run.ended"]


def test_a_command_that_can_t_be_started_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "command"
    with BesideProcess(tmp_path / "data", str(path)) as beside:
        assert beside.ended() == 127
    assert str(path) in beside.output
    assert "Traceback" not in beside.output


def test_a_taken_port_is_reported_and_nothing_started(tmp_path: Path) -> None:
    made = tmp_path / "made"
    with socket.create_server(("127.0.0.1", 0)) as listening:
        taken = listening.getsockname()[1]
        also = {"OBSERVATORY_GRPC_PORT": str(taken)}
        with BesideProcess(tmp_path / "data", "touch", str(made), **also) as beside:
            assert beside.ended() == 1
    assert f"127.0.0.1:{taken}" in beside.output
    assert f"process {os.getpid()}" in beside.output
    assert "Traceback" not in beside.output
    assert not made.exists()


def test_settings_that_are_invalid_are_reported(tmp_path: Path) -> None:
    made = tmp_path / "made"
    wrong = {"OBSERVATORY_COLOUR": "red"}
    with BesideProcess(tmp_path / "data", "touch", str(made), **wrong) as beside:
        assert beside.ended() == 1
    assert "OBSERVATORY_COLOUR" in beside.output
    assert "Traceback" not in beside.output
    assert not made.exists()


def test_nothing_is_left_when_the_launcher_is_killed(tmp_path: Path) -> None:
    with BesideProcess(tmp_path, *SENDING, **HTTP) as beside:
        beside.line()
        family = beside.all.children(recursive=True)
        assert len(family) == 5  # the observatory, its engine, the command, and two watchers
        beside.process.kill()
        assert not psutil.wait_procs(family, TIMEOUT)[1]
