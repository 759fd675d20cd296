"""Starting: what can't be had is told in a sentence, and nothing is left behind."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import httpx
import psutil
import pytest

from tests.observatory.observing import COMMAND, READY, Observatory, environment
from tests.processes import PATIENCE, ROOT

pytest_plugins = ["tests.observatory.observed"]

DOORS = {"page_port": "page", "grpc_port": "grpc", "http_port": "otlp"} | {
    "clickhouse_port": "clickhouse"
}


def refused(data: Path, **settings: object) -> str:
    """What it says when it can't start."""
    done = subprocess.run(
        COMMAND, cwd=ROOT, env=environment(data, settings), stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "Traceback" not in done.stderr, done.stderr
    assert READY not in done.stderr
    return done.stderr


@pytest.mark.parametrize("setting", DOORS)
def test_a_port_that_is_taken_is_named_and_so_is_who_has_it(
    observatory: Observatory, tmp_path: Path, setting: str
) -> None:
    port = getattr(observatory, DOORS[setting]).rpartition(":")[2]
    said = refused(tmp_path / "data", **{setting: port})
    assert f":{port} " in said
    assert f"process {observatory.process.pid}" in said
    assert not (tmp_path / "data").exists()


def test_one_port_for_two_doors_is_refused(tmp_path: Path) -> None:
    assert "15317" in refused(tmp_path, grpc_port=15317, http_port=15317)


@pytest.mark.parametrize("host", ["nowhere.invalid", "192.0.2.1", "not an address"])
def test_a_host_that_is_not_here_is_named(tmp_path: Path, host: str) -> None:
    assert host in refused(tmp_path, host=host)


def test_a_folder_that_another_observatory_has_is_named(tmp_path: Path) -> None:
    with Observatory(tmp_path) as first:
        said = refused(tmp_path)
        assert str(tmp_path) in said.replace("\n", "")
        assert "OBSERVATORY_DATA" in said
        # And the first one takes no harm.
        assert first.value("SELECT 1") == 1
        assert first.stop() == 0


def a_file(folder: Path) -> Path:
    folder.write_text("something else")
    return folder


def below_a_file(folder: Path) -> Path:
    folder.write_text("something else")
    return folder / "below"


def not_writable(_: Path) -> Path:
    return Path("/proc/self/observatory")  # nobody may write here, not even root


@pytest.mark.parametrize("where", [a_file, below_a_file, not_writable])
def test_a_folder_that_can_not_be_used_is_named(
    tmp_path: Path, where: Callable[[Path], Path]
) -> None:
    folder = where(tmp_path / "data")
    said = refused(folder)
    assert str(folder) in said.replace("\n", "")
    assert "OBSERVATORY_DATA" in said


def test_a_database_that_is_damaged_is_told(tmp_path: Path) -> None:
    with Observatory(tmp_path) as observatory:
        observatory.stop()
    for definition in tmp_path.rglob("otel_logs.sql"):
        definition.write_text("garbage")
    assert str(tmp_path) in refused(tmp_path).replace("\n", "")


def test_other_files_in_the_folder_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "folder").mkdir()
    with Observatory(tmp_path) as observatory:
        assert observatory.value("SELECT 1") == 1
        observatory.stop()
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert (tmp_path / "folder").is_dir()


@pytest.mark.parametrize("name", ["a b", "ü&b=c'%20"])
def test_a_folder_may_have_any_name(tmp_path: Path, name: str) -> None:
    with Observatory(tmp_path / name) as observatory:
        assert observatory.value("SELECT count() FROM otel.otel_traces") == 0
        observatory.stop()
    assert [each.name for each in tmp_path.iterdir()] == [name]


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
def test_settings_that_make_no_sense_are_named(
    tmp_path: Path, settings: dict[str, object], named: str
) -> None:
    assert named in refused(tmp_path / "data", **settings)
    assert not (tmp_path / "data").exists()


def test_port_0_takes_a_free_one_for_each_door(tmp_path: Path) -> None:
    free = dict.fromkeys(DOORS, 0)
    with Observatory(tmp_path, **free) as observatory:
        listening = {
            each.laddr.port
            for each in psutil.Process(observatory.process.pid).net_connections("tcp")
            if each.status == psutil.CONN_LISTEN
        }
        assert len(listening) == 4
        assert any(f":{port}" in observatory.said for port in listening)


@pytest.mark.parametrize("door", ["page", "otlp", "clickhouse"])
@pytest.mark.parametrize("host", ["evil.example", "evil.example:8080", "127.0.0.1.evil.example"])
def test_another_name_than_its_own_is_refused(
    observatory: Observatory, door: str, host: str
) -> None:
    """A page elsewhere, whose name leads here, could read what is kept (DNS rebinding)."""
    for method in ("GET", "POST"):
        address = f"{getattr(observatory, door)}/v1/traces" if door == "otlp" else None
        answer = httpx.request(
            method, address or getattr(observatory, door), headers={"host": host}
        )
        assert answer.status_code == 421


@pytest.mark.parametrize("door", ["page", "clickhouse"])
@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1", "[::1]:80"])
def test_its_own_names_are_fine(observatory: Observatory, door: str, host: str) -> None:
    path = {"page": "/", "clickhouse": "/ping"}[door]
    answer = httpx.get(getattr(observatory, door) + path, headers={"host": host})
    assert answer.status_code == 200


def test_more_names_can_be_allowed(tmp_path: Path) -> None:
    with Observatory(tmp_path, hosts="one.example, Two.example") as observatory:
        codes = [
            httpx.get(f"{observatory.clickhouse}/ping", headers={"host": host}).status_code
            for host in ("one.example", "TWO.example:80", "three.example")
        ]
        assert codes == [200, 200, 421]
