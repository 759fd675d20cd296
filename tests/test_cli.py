"""The command line as people use it: real processes, real files."""

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack, closing
from pathlib import Path

import httpx
import pytest
import typer
from typer.testing import CliRunner, Result

from app import cli
from app.catalogue import store
from app.catalogue.database import Database
from app.recommend.embedding import Embedder
from app.server import base_url
from app.settings import ServerSettings
from tests.cases import cases
from tests.fakes import Opposite
from tests.processes import ROOT
from tests.waiting import TIMEOUT, until

ROW = {"title": "A title", "text": "Some words about nothing in particular."}


def environment(data: Path, **more: str) -> Mapping[str, str]:
    return os.environ | {"VITRINE_DATA": str(data), "COLUMNS": "100"} | more


def vitrine(data: Path, *arguments: str, **more: str) -> Result:
    """A command in this process, which saves a second of imports; it must not break."""
    variables = {"VITRINE_DATA": str(data), "COLUMNS": "100"} | more
    done = CliRunner(env=variables).invoke(cli.cli, arguments)
    assert done.exception is None or isinstance(done.exception, SystemExit)
    return done


def write_rows(path: Path, count: int) -> None:
    with path.open("w") as file:
        for number in range(count):
            file.write(json.dumps({"id": f"row-{number}", **ROW}) + "\n")


def empty_catalogue(folder: Path) -> None:
    Database(folder / "catalogue.db", store.SCHEMA, store.SCHEMA_VERSION).close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_import_sets_bad_rows_aside_and_export_gives_the_good_ones_back(tmp_path: Path) -> None:
    source = tmp_path / "some.jsonl"
    good = {"id": "good", **ROW, "category": "[/boom]"}
    source.write_text(
        json.dumps(good) + "\n" + json.dumps({"id": "no-text", "title": "T"}) + "\n{oops\n"
    )
    done = vitrine(tmp_path, "import", str(source))
    assert done.exit_code == 0, done.stderr
    assert "1 created, 0 updated, 0 unchanged, 2 rejected" in done.stdout
    rejects = [
        json.loads(line)
        for line in (tmp_path / "some.jsonl.rejects.jsonl").read_text().splitlines()
    ]
    assert [each["line"] for each in rejects] == [2, 3]
    assert "text is missing" in rejects[0]["reason"]
    vitrine(tmp_path, "export", str(tmp_path / "out.jsonl"))
    exported = json.loads((tmp_path / "out.jsonl").read_text())
    assert exported | good == exported
    assert "[/boom]" in vitrine(tmp_path, "stats").stdout  # brackets are no markup


@pytest.mark.lasting
def test_an_import_killed_on_the_way_is_finished_by_the_next(tmp_path: Path) -> None:
    source = tmp_path / "many.jsonl"
    write_rows(source, 6_000)
    empty_catalogue(tmp_path)
    command = [sys.executable, "-m", "app", "import", str(source)]
    process = subprocess.Popen(command, env=environment(tmp_path), stderr=subprocess.DEVNULL)
    with closing(sqlite3.connect(tmp_path / "catalogue.db")) as connection:

        def stored() -> int:
            found: int = connection.execute("SELECT count(*) FROM documents").fetchone()[0]
            return found

        until(lambda: stored() > 0)
        process.send_signal(signal.SIGKILL)
        process.wait()
        kept = stored()
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        done = vitrine(tmp_path, "import", str(source))
        assert f"{kept:,} unchanged" in done.stdout
        assert stored() == 6_000


@cases(
    ("arguments", "message"),
    [
        (("calibrate",), "The catalogue is empty"),
        (("profile",), "The catalogue is empty"),
        (("calibrate", "--to", "."), "is a directory"),
        (("train", "--queries", __file__), "give them with --judgements"),
        (("calibrate", "--queries", __file__), "give them with --judgements"),
        (("evaluate", "--queries", __file__), "give them with --judgements"),
    ],
)
def test_what_a_command_lacks_is_said(
    tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    empty_catalogue(tmp_path)
    done = vitrine(tmp_path, *arguments)
    assert done.exit_code != 0
    assert message in " ".join(done.stderr.split())


def test_only_reindex_replaces_the_vectors_of_another_encoder(
    tmp_path: Path, embedder: Embedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "some.jsonl"
    write_rows(source, 3)
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"query": "words"}\n')
    assert vitrine(tmp_path, "import", str(source)).exit_code == 0

    def models() -> list[tuple[str, str]]:
        with closing(sqlite3.connect(tmp_path / "catalogue.db")) as connection:
            query = "SELECT leg, hash FROM models WHERE active ORDER BY leg"
            return connection.execute(query).fetchall()

    before = models()
    monkeypatch.setattr("app.composition.load_embedder", lambda: Opposite(embedder))
    for command in (("import", str(source)), ("batch", str(rows))):
        done = vitrine(tmp_path, *command)
        assert done.exit_code != 0
        assert "run: python -m app reindex" in " ".join(done.stderr.split())
        assert models() == before
    assert vitrine(tmp_path, "reindex").exit_code == 0
    assert [leg for leg, _ in models()] == [leg for leg, _ in before]
    assert models() != before
    assert vitrine(tmp_path, "batch", str(rows)).exit_code == 0


def test_a_profile_that_would_not_be_used_is_not_made(tmp_path: Path) -> None:
    write_rows(tmp_path / "mine.jsonl", 3)
    vitrine(tmp_path, "import", str(tmp_path / "mine.jsonl"))
    done = vitrine(tmp_path, "profile")
    assert done.exit_code == 1
    assert "train a version, it brings its profile" in " ".join(done.stderr.split())
    done = vitrine(tmp_path, "calibrate")
    assert done.exit_code == 1
    assert "give them with --judgements FILE" in " ".join(done.stderr.split())
    assert not list(tmp_path.glob("profile-*"))


def test_an_import_without_a_document_fails_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "unread").mkdir()
    for name, content, output in (
        ("image.png", "", "its name must end in .jsonl"),
        ("no-text.csv", "id,title\n", "no column text; it has: id, title"),
        ("[boom].jsonl", "{}\n", "every row was rejected"),
        ("header.csv", "id,text\n", "no rows found"),
        ("unread", "", "no rows found"),
    ):
        if content:
            (tmp_path / name).write_text(content)
        elif name.endswith("png"):
            (tmp_path / name).touch()
        done = vitrine(tmp_path, "import", str(tmp_path / name))
        assert done.exit_code == 1
        assert output in done.stderr


@pytest.mark.lasting
def test_export_to_a_reader_that_goes_away_and_to_a_place_that_is_none(tmp_path: Path) -> None:
    write_rows(tmp_path / "a.jsonl", 3_000)
    vitrine(tmp_path, "import", str(tmp_path / "a.jsonl"))
    command = f"{sys.executable} -m app export | head -1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        check=False,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["id"] == "row-0"
    nowhere = vitrine(tmp_path, "export", str(tmp_path / "none" / "a.jsonl"))
    assert nowhere.exit_code == 1
    assert "none/a.jsonl: No such file" in nowhere.stderr
    assert "data folder" not in nowhere.stderr


@pytest.mark.lasting
def test_what_the_image_prepares(tmp_path: Path) -> None:
    """The commands of the Dockerfile pass, and leave a challenger for the shadow."""
    commands = re.findall(r"python -m app (\w+)", (ROOT / "Dockerfile").read_text())
    assert commands == ["prepare", "train"]
    assert "the catalogue is empty" in vitrine(tmp_path, "train").stderr
    for each in commands:
        done = vitrine(tmp_path, each, VITRINE_TELEMETRY__ENABLED="false")
        assert done.exit_code == 0, done.stderr
    assert "challenger" in vitrine(tmp_path, "models").stdout


def test_a_port_in_use_is_reported(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = vitrine(tmp_path, "serve", VITRINE_SERVER__PORT=port)
    assert done.exit_code == 1
    assert f"Port {port}" in done.stderr
    assert "VITRINE_SERVER__PORT=" in done.stderr


def test_faults_need_a_single_process(tmp_path: Path) -> None:
    both = {"VITRINE_FAULTS__ALLOWED": "true", "VITRINE_SERVER__WORKERS": "2"}
    done = vitrine(tmp_path, "serve", **both)
    assert done.exit_code == 1
    assert "set VITRINE_SERVER__WORKERS=1" in done.stderr
    assert not (tmp_path / "catalogue.db").exists(), "nothing was built in vain"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("VITRINE_SERVER__PORT", "99999"),
        ("VITRINE_ANSWERS", "many"),
        ("VITRINE_PORT", "9000"),  # misspelt
    ],
)
def test_invalid_settings_are_reported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(typer.Exit) as refusal:
        cli.settings()
    assert refusal.value.exit_code == 1
    assert name in capsys.readouterr().err


def test_an_invalid_setting_ends_a_command(tmp_path: Path) -> None:
    done = vitrine(tmp_path, "stats", VITRINE_TOKEN="short")
    assert done.exit_code == 1
    assert "VITRINE_TOKEN" in done.stderr


@cases(
    ("host", "url"),
    [("127.0.0.1", "http://127.0.0.1:8000"), ("::1", "http://[::1]:8000"), ("a", "http://a:8000")],
)
def test_where_it_answers(host: str, url: str) -> None:
    assert base_url(ServerSettings(host=host, port=8000)) == url


def test_streams_closed_at_the_start_lead_nowhere(tmp_path: Path) -> None:
    program = (
        "import os; from app.console import replace_closed_streams as replace; replace();"
        "print('x'); input_ = 5;"
        f"file = open({str(tmp_path / 'file')!r}, 'w'); assert file.fileno() > 2;"
        "os.write(1, b'to nobody'); os.write(2, b'to nobody')"
    )
    command = f'exec {sys.executable} -c "$PROGRAM" <&- >&- 2>&-'
    environment = os.environ | {"PROGRAM": program}
    done = subprocess.run(["sh", "-c", command], env=environment, check=False, timeout=60)
    assert done.returncode == 0
    assert (tmp_path / "file").read_bytes() == b""


@cases(
    ("value", "output"),
    [("no", "-m app serve"), ("0", "-m app serve"), ("yes", "observatory beside"),
     ("", "observatory beside"), ("perhaps", "OBSERVATORY must be yes or no, not perhaps")],
)  # fmt: skip
def test_make_run_with_and_without_the_observatory(value: str, output: str) -> None:
    command = ["make", "--dry-run", "run", f"OBSERVATORY={value}"]
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, cwd=ROOT, timeout=60
    )
    assert output in done.stdout + done.stderr


@pytest.mark.lasting
def test_serve_builds_the_seed_catalogue_and_answers_until_stopped(tmp_path: Path) -> None:
    port = free_port()
    more = {"VITRINE_SERVER__PORT": str(port), "VITRINE_WIKIPEDIA__ENABLED": "false"}
    empty_catalogue(tmp_path)  # as after a kill
    command = [sys.executable, "-m", "app", "serve"]
    process = subprocess.Popen(
        command, env=environment(tmp_path, **more), stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    with process, ExitStack() as stack:
        stack.callback(process.kill)  # else a failure would wait without end
        base = f"http://127.0.0.1:{port}"
        output: list[str] = []
        while "curl" not in (line := process.stderr.readline()):
            assert line, "".join(output)
            output.append(line)
        assert "480 documents" in "".join(output)
        assert f"{base}/recommend?q=" in line
        until(lambda: _alive(base))
        answer = httpx.get(f"{base}/recommend", params={"q": "keep bread from going stale"}).json()
        assert answer["results"][0]["document"]["id"] == "staling"
        process.send_signal(signal.SIGTERM)
        assert process.wait(TIMEOUT) in (0, -signal.SIGTERM)


def _alive(base: str) -> bool:
    try:
        return httpx.get(f"{base}/livez").status_code == 200
    except httpx.TransportError:
        return False


def test_an_unusable_data_folder_is_reported(tmp_path: Path) -> None:
    (tmp_path / "catalogue.db").write_bytes(b"this is no database" * 100)
    done = vitrine(tmp_path, "stats")
    assert done.exit_code == 1
    assert "Cannot use the data folder" in done.stderr
