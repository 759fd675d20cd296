"""Runs: their list, export to a file and back, and files that are refused."""

import json
import re
import signal
import sys
import zipfile
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import httpx
import psutil
import pytest
import typer
from starlette.testclient import TestClient

from observatory.composition import Parts
from observatory.runs.archive import (
    MANIFEST,
    STORED,
    BadArchive,
    TooLargeRun,
    load_archive,
    read_manifest,
    write_archive,
)
from observatory.runs.commands import export_run, parse_time
from observatory.runs.run import Run
from observatory.settings import ObservatorySettings
from observatory.store.engine import Engine
from observatory.store.schema import TIME_COLUMNS
from observatory.supervision.event_log import RUN_ENDED, RUN_NAME, RUN_STARTED, SERVICE
from observatory.ui.application import page as application
from observatory.ui.queries import Queries
from tests.logged_process import LoggedProcess
from tests.observatory.messages import attributes
from tests.observatory.observatory_process import environment
from tests.observatory.page_client import Page
from tests.observatory.stored_telemetry import HOUR, MINUTE, NOW, StoredTelemetry, record, root
from tests.processes import ROOT
from tests.telemetry.receiver import refused_port
from tests.waiting import TIMEOUT

RUN = Run("incident", NOW - HOUR, NOW)
ROWS = 50
HASHES = "SELECT count() AS rows, sum(cityHash64(*)) AS hash FROM otel.{table} FORMAT JSONEachRow"


def fill(engine: Engine, table: str) -> None:
    """Random rows of any values at RUN's start, and one at its end, which is not of it."""
    described = engine.write(f"DESCRIBE TABLE otel.{table}", "JSONEachRow").content.decode()
    columns = {row["name"]: row["type"] for row in map(json.loads, described.splitlines())}
    structure = ", ".join(f"`{name}` {kind}" for name, kind in columns.items())
    nested = [f"arrayResize(`{name}`, 2) AS `{name}`" for name in columns if "." in name]
    time = TIME_COLUMNS.get(table, "TimeUnix")
    for at, rows in ((RUN.start, ROWS), (RUN.end, 1)):
        set_ = ", ".join([f"fromUnixTimestamp64Nano(toInt64({at})) AS {time}", *nested])
        source = f"generateRandom('{structure}', 1, 8, 4) LIMIT {rows}"
        engine.run(f"INSERT INTO otel.{table} SELECT * REPLACE ({set_}) FROM {source}")


@pytest.fixture(scope="module")
def exported(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A file with rows of every table, and the hashes of these rows."""
    path = tmp_path_factory.mktemp("run") / "run.zip"
    hashes = []
    for table in STORED:
        engine.run(f"TRUNCATE TABLE otel.{table}")
        fill(engine, table)
    write_archive(engine, RUN, path, 1 << 30)
    for table in STORED:
        time = TIME_COLUMNS.get(table, "TimeUnix")
        of_run = f"{table} WHERE {time} < fromUnixTimestamp64Nano(toInt64({RUN.end}))"
        hashes.append(engine.run(HASHES.format(table=of_run)).decode())
        engine.run(f"TRUNCATE TABLE otel.{table}")
    return path, hashes


@pytest.mark.lasting
def test_an_opened_run_has_the_same_rows_and_is_apart_from_the_present_ones(
    exported: tuple[Path, list[str]], tmp_path: Path
) -> None:
    path, hashes = exported
    command = (sys.executable, "-m", "observatory", "open", str(path))
    opened = LoggedProcess(command, "SQL: ", cwd=ROOT, env=environment(tmp_path, {}))
    try:
        opened.ready()
        page, clickhouse = re.findall(r"http://127\.0\.0\.1:\d+", opened.output)
        found = [
            httpx.post(clickhouse, content=HASHES.format(table=table), timeout=TIMEOUT).text
            for table in STORED
        ]
        assert found == hashes
        assert json.loads(found[0])["rows"] == ROWS
        traces = httpx.get(f"{page}/api/traces", params={"last": 7200}, timeout=TIMEOUT).json()
        assert traces["traces"]  # its now is the run's end
        assert httpx.get(f"{page}/api/status").json()["opened"]["name"] == "incident"
        reports = httpx.get(f"{page}/api/reports").json()
        assert not any("now()" in each["sql"] for each in reports)
        insert = httpx.post(clickhouse, content="INSERT INTO otel.otel_logs (Body) VALUES ('x')")
        assert insert.is_error
        process = psutil.Process(opened.process.pid)
        listening = [c for c in process.net_connections("tcp") if c.status == psutil.CONN_LISTEN]
        assert len(listening) == 2  # and none that receives
        assert opened.stop(signal.SIGINT) == 0
    finally:
        opened.kill()
    assert [each.name for each in tmp_path.iterdir()] == ["opened"]
    assert not list((tmp_path / "opened").iterdir())


def cut_off(content: bytes) -> bytes:
    return content[: len(content) // 2]


def flipped(content: bytes) -> bytes:
    """A bit of the first table is wrong."""
    return content[:100] + bytes([content[100] ^ 1]) + content[101:]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (cut_off, "is cut off"),
        (lambda _: b"not a zip", "is not an exported run"),
        (flipped, "is damaged"),
    ],
)
def test_a_damaged_file_is_refused(
    exported: tuple[Path, list[str]],
    engine: Engine,
    tmp_path: Path,
    change: Callable[[bytes], bytes],
    sentence: str,
) -> None:
    path = tmp_path / "run.zip"
    path.write_bytes(change(exported[0].read_bytes()))
    with pytest.raises(BadArchive, match=sentence):
        load_archive(engine, path, read_manifest(path), tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('"version": 1', '"version": 2', "newer version"),
        ('"format": "vitrine-run"', '"format": "other"', "not an exported run"),
        ('"otel_traces"', '"secrets"', "unknown tables: secrets"),
        ('"SpanId"', '"Colour"', "columns that are unknown here (Colour of otel_traces)"),
    ],
)
def test_another_format_is_refused(
    exported: tuple[Path, list[str]],
    engine: Engine,
    tmp_path: Path,
    old: str,
    new: str,
    sentence: str,
) -> None:
    path = tmp_path / "run.zip"
    with zipfile.ZipFile(exported[0]) as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            target.writestr(
                name, content.replace(old.encode(), new.encode()) if name == MANIFEST else content
            )
    with pytest.raises(BadArchive, match=re.escape(sentence)):
        load_archive(engine, path, read_manifest(path), tmp_path)


def test_a_run_that_is_too_large_is_refused(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(TooLargeRun, match="export a shorter time"):
        write_archive(engine, RUN, tmp_path / "run.zip", 1)


def test_runs_are_listed_and_exported_by_name(
    stored: StoredTelemetry, page_parts: Parts, tmp_path: Path
) -> None:
    events = [("first", RUN_STARTED, 50), ("killed", RUN_STARTED, 30), ("last", RUN_STARTED, 20)]
    for name, event, ago in [*events, ("last", RUN_ENDED, 10)]:
        at = record(event, NOW - ago * MINUTE)
        at.event_name = event
        at.attributes.MergeFrom(attributes({RUN_NAME: name}))
        stored.logs([at], **{"service.name": SERVICE})
    stored.trace(1, NOW - 15 * MINUTE, root())
    stored.trace(2, NOW - 5 * MINUTE, root())
    settings = page_parts.settings.model_copy(update={"data": tmp_path})
    client = TestClient(
        application(replace(page_parts, settings=settings), lambda: NOW),
        base_url="http://127.0.0.1",
    )
    page = Page(client)
    runs = page.get("runs")["runs"]
    assert [(run["name"], int(run["end"]) - NOW) for run in runs] == [
        ("last", 1 - 10 * MINUTE),
        ("killed", -20 * MINUTE),
        ("first", -30 * MINUTE),
    ]
    assert "the newest: last, killed, first" in page.problem("export", run="other")["detail"]
    for given, spans, records in (({"run": "last"}, 1, 2), ({"last": "3600"}, 2, 4)):
        response = client.get("/api/export", params=given)
        path = tmp_path / f"{spans}.zip"
        path.write_bytes(response.content)
        tables = read_manifest(path).tables
        assert (tables["otel_traces"].rows, tables["otel_logs"].rows) == (spans, records)
    assert not (tmp_path / "exports").exists()


def test_an_export_that_fails_leaves_no_files(
    page_parts: Parts,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    queries = Queries(page_parts, lambda: NOW)
    monkeypatch.setattr("observatory.runs.commands._without_server", lambda _: nullcontext(queries))
    settings = page_parts.settings.model_copy(update={"disk_bytes": 1})
    with refused_port() as port, pytest.raises(typer.Exit):
        export_run(settings, f"http://127.0.0.1:{port}", {"last": "60"}, tmp_path / "run.zip")
    assert "export a shorter time" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [("90s", 910_000), ("2m", 880_000), ("1970-01-01T00:10:00Z", 600_000)],
)
def test_times_of_an_export(text: str, milliseconds: int) -> None:
    assert parse_time(text, datetime.fromtimestamp(1000, UTC)) == milliseconds


def test_an_export_says_what_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    existing = tmp_path / "run.zip"
    existing.touch()
    settings = ObservatorySettings(data=tmp_path / "nothing")
    with refused_port() as port:
        url = f"http://127.0.0.1:{port}"
        for file, sentence in ((existing, "exists already"), (tmp_path / "new", "No observatory")):
            with pytest.raises(typer.Exit):
                export_run(settings, url, {"run": "first"}, file)
            assert sentence in capsys.readouterr().err
    with pytest.raises(typer.Exit):
        parse_time("yesterday", datetime.now(UTC))
