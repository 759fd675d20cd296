"""Start-up errors are one sentence, and leave nothing behind."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import typer

from observatory import cli
from observatory.server import start
from tests.observatory.observatory_process import COMMAND, READY, Observatory, environment
from tests.processes import ROOT
from tests.waiting import TIMEOUT

pytestmark = pytest.mark.lasting

ENDPOINTS = {"page_port": "page", "grpc_port": "grpc", "http_port": "otlp"} | {
    "clickhouse_port": "clickhouse"
}


def refused(data: Path, **settings: object) -> str:
    """The message when it can't start."""
    done = subprocess.run(
        COMMAND, cwd=ROOT, env=environment(data, settings), stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=TIMEOUT, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "Traceback" not in done.stderr, done.stderr
    assert READY not in done.stderr
    return done.stderr


class RefusedEarly:
    """The command in this process, where it must end before it has opened anything."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, output: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._output = monkeypatch, output

    def __call__(self, data: Path, **settings: object) -> str:
        """The message."""
        with self._monkeypatch.context() as patch:
            patch.setattr(os, "environ", environment(data, settings))
            patch.setattr("observatory.server.open_parts", _opened)
            with pytest.raises(typer.Exit) as refusal:
                start(cli.settings(), supervised=False)
        assert refusal.value.exit_code == 1
        assert not data.exists()
        return self._output.readouterr().err


def _opened(_: object) -> None:
    raise AssertionError("it has its ports, and opens the folder")


@pytest.fixture
def refused_early(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> RefusedEarly:
    return RefusedEarly(monkeypatch, capsys)


@pytest.mark.parametrize("setting", ENDPOINTS)
def test_a_port_that_is_taken_is_named_and_so_is_who_has_it(
    observatory: Observatory, tmp_path: Path, refused_early: RefusedEarly, setting: str
) -> None:
    port = getattr(observatory, ENDPOINTS[setting]).rpartition(":")[2]
    output = refused_early(tmp_path / "data", **{setting: port})
    assert f":{port} " in output
    assert f"process {observatory.process.pid}" in output


def test_one_port_for_two_servers_is_refused(tmp_path: Path, refused_early: RefusedEarly) -> None:
    assert "15317" in refused_early(tmp_path / "data", grpc_port=15317, http_port=15317)


@pytest.mark.parametrize("host", ["nowhere.invalid", "192.0.2.1", "not an address"])
def test_a_host_that_is_not_here_is_named(
    tmp_path: Path, refused_early: RefusedEarly, host: str
) -> None:
    assert host in refused_early(tmp_path / "data", host=host)


def test_a_folder_in_use_and_then_a_damaged_database_are_named(tmp_path: Path) -> None:
    with Observatory(tmp_path) as first:
        output = refused(tmp_path)
        assert str(tmp_path) in output.replace("\n", "")
        assert "OBSERVATORY_DATA" in output
        # The first one continues.
        assert first.value("SELECT 1") == 1
        assert first.stop() == 0
    for definition in tmp_path.rglob("otel_logs.sql"):
        definition.write_text("garbage")
    assert str(tmp_path) in refused(tmp_path).replace("\n", "")


def below_a_file(folder: Path) -> Path:
    folder.write_text("something else")
    return folder / "below"


def not_writable(_: Path) -> Path:
    return Path("/proc/self/observatory")  # not writable, not even by root


@pytest.mark.parametrize("where", [below_a_file, not_writable])
def test_a_folder_that_can_not_be_used_is_named(
    tmp_path: Path, where: Callable[[Path], Path]
) -> None:
    folder = where(tmp_path / "data")
    output = refused(folder)
    assert str(folder) in output.replace("\n", "")
    assert "OBSERVATORY_DATA" in output


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"page_port": "x"}, "OBSERVATORY_PAGE_PORT"),
        ({"page_port": 65536}, "OBSERVATORY_PAGE_PORT"),
        ({"grpc_port": -1}, "OBSERVATORY_GRPC_PORT"),
        ({"retention_hours": 0}, "OBSERVATORY_RETENTION_HOURS"),
        ({"disk_bytes": 1}, "OBSERVATORY_DISK_BYTES"),
        ({"memory_bytes": "much"}, "OBSERVATORY_MEMORY_BYTES"),
        ({"query_seconds": "nan"}, "OBSERVATORY_QUERY_SECONDS"),
        ({"retention": 3}, "OBSERVATORY_RETENTION"),
        ({"http_prot": 3, "x": ""}, "OBSERVATORY_HTTP_PROT, OBSERVATORY_X"),
    ],
    ids=str,
)
def test_settings_that_are_invalid_are_named(
    tmp_path: Path, refused_early: RefusedEarly, settings: dict[str, object], named: str
) -> None:
    assert named in refused_early(tmp_path / "data", **settings)


def test_port_0_takes_a_free_one_for_each_server_in_a_folder_of_any_name(tmp_path: Path) -> None:
    free = dict.fromkeys(ENDPOINTS, 0)
    folder = tmp_path / "ü& b=c'%20"
    (folder / "folder").mkdir(parents=True)
    (folder / "notes.txt").write_text("mine")
    with Observatory(folder, **free) as observatory:
        listening = {
            each.laddr.port
            for each in psutil.Process(observatory.process.pid).net_connections("tcp")
            if each.status == psutil.CONN_LISTEN
        }
        assert len(listening) == 4
        assert any(f":{port}" in observatory.output for port in listening)
        assert observatory.stop() == 0
        assert len(observatory.output.splitlines()) <= 2, observatory.output
    assert [each.name for each in tmp_path.iterdir()] == [folder.name]
    assert (folder / "notes.txt").read_text() == "mine"
    assert (folder / "folder").is_dir()
