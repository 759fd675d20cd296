"""What SQLite can refuse, made to happen in real files, and how each is answered."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from app.api.storage_problems import problem_of
from tests.api.service import WRITER, problem, serving, settings

pytestmark = pytest.mark.anyio
DOCUMENT = {"title": "Dew", "text": "Water that condenses on cool surfaces at night."}


def opened(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, timeout=0)
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.execute("CREATE TABLE IF NOT EXISTS rows (text)")
    return connection


def locked(path: Path) -> None:
    with closing(opened(path)) as first, closing(opened(path)) as second:
        first.execute("BEGIN EXCLUSIVE")
        second.execute("SELECT * FROM rows")


def full(path: Path) -> None:
    with closing(opened(path)) as connection:
        connection.execute("PRAGMA max_page_count = 2")
        connection.execute("INSERT INTO rows VALUES (zeroblob(100000))")


def query_only(path: Path) -> None:
    with closing(opened(path)) as connection:
        connection.execute("PRAGMA query_only = ON")
        connection.execute("INSERT INTO rows VALUES (1)")


def immutable(path: Path) -> None:
    opened(path).close()
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        connection.execute("INSERT INTO rows VALUES (1)")


def no_database(path: Path) -> None:
    path.write_bytes(b"no database" * 1000)
    opened(path)


def damaged(path: Path) -> None:
    with closing(opened(path)) as connection:
        connection.execute("INSERT INTO rows VALUES (zeroblob(100000))")
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("SELECT * FROM rows").fetchall()


def folder_gone(path: Path) -> None:
    opened(path / "not there")


def no_table(path: Path) -> None:
    with closing(opened(path)) as connection:
        connection.execute("SELECT * FROM nowhere")


def no_column(path: Path) -> None:
    with closing(opened(path)) as connection:
        connection.execute("INSERT INTO rows (absent) VALUES (1)")


def constraint(path: Path) -> None:
    with closing(opened(path)) as connection:
        connection.execute("CREATE TABLE one (key PRIMARY KEY)")
        connection.executemany("INSERT INTO one VALUES (?)", [(1,), (1,)])


CASES: list[tuple[Callable[[Path], None], int, str]] = [
    (locked, 503, "storage-busy"),
    (full, 507, "disk-full"),
    (query_only, 500, "storage-read-only"),
    (immutable, 500, "storage-read-only"),
    (no_database, 500, "storage-corrupt"),
    (damaged, 500, "storage-corrupt"),
    (folder_gone, 500, "storage-unavailable"),
    (no_table, 500, "storage-schema"),
    (no_column, 500, "storage-schema"),
    (constraint, 500, "storage-failed"),
]


@pytest.mark.parametrize(("fails", "status", "name"), CASES)
async def test_each_error_of_sqlite_has_its_problem(
    tmp_path: Path, fails: Callable[[Path], None], status: int, name: str
) -> None:
    with pytest.raises(sqlite3.Error) as caught:
        fails(tmp_path / "some.db")
    found = problem_of(caught.value)
    assert (found.status_code, found.name) == (status, name)
    assert ("Retry-After" in (found.headers or {})) == (status == 503)


def execute(data: Path, statement: str) -> None:
    with closing(sqlite3.connect(data / "catalogue.db")) as connection, connection:
        connection.execute(statement)


async def test_a_missing_table_is_not_a_busy_one(shelf_data: Path) -> None:
    async with serving(settings(shelf_data)) as client:
        execute(shelf_data, "DROP TABLE documents")
        for path in ("/documents/tide", "/recommend?q=stale+bread", "/categories"):
            answer = await client.get(path)
            assert problem(answer, 500).type == "urn:vitrine:problem:storage-schema"
            assert "retry-after" not in answer.headers


async def test_a_lock_of_another_program_is_busy(
    shelf_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.catalogue.database.BUSY_SECONDS", 0.05)
    async with serving(settings(shelf_data)) as client:
        with closing(sqlite3.connect(shelf_data / "catalogue.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            answer = await put(client)
        assert problem(answer, 503).type == "urn:vitrine:problem:storage-busy"
        assert answer.headers["retry-after"] == "1"
        assert (await put(client)).status_code == 201


async def put(client: httpx.AsyncClient) -> httpx.Response:
    return await client.put("/documents/dew", json=DOCUMENT, headers=WRITER)
