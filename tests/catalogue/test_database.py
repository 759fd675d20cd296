"""SQLite as it is opened here: versions, transactions that leave nothing open, one's own moment."""

import shutil
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from app.catalogue import feedback_journal, store
from app.catalogue.database import Database, SchemaTooNew
from tests.fakes import SHELF, document
from tests.opening import OpenCatalogue
from tests.waiting import TIMEOUT

SCHEMAS = [
    (store.SCHEMA, store.SCHEMA_VERSION),
    (feedback_journal.SCHEMA, feedback_journal.SCHEMA_VERSION),
]

MANY = 100_000
COUNT = f"""
    WITH RECURSIVE numbers AS (SELECT 1 n UNION ALL SELECT n + 1 FROM numbers LIMIT {MANY})
    SELECT max(n) FROM numbers
"""


def value(connection: sqlite3.Connection, query: str) -> object:
    (found,) = connection.execute(query).fetchone()
    return found


def elsewhere(what: Callable[[], object]) -> None:
    """Run on another thread, to the end."""
    thread = threading.Thread(target=what)
    thread.start()
    thread.join()


def delete_all_and_fail(database: Database) -> None:
    with database.write() as connection:
        connection.execute("DELETE FROM documents")
        raise KeyError


def violate_on_commit(database: Database) -> None:
    with database.write() as connection:
        connection.execute("PRAGMA defer_foreign_keys = ON")
        connection.execute("INSERT INTO embeddings VALUES (999, 999, x'00')")


@pytest.mark.parametrize(("schema", "version"), SCHEMAS)
def test_a_new_file_has_the_schema_and_its_version(
    tmp_path: Path, schema: str, version: int
) -> None:
    with closing(Database(tmp_path / "deep" / "new.db", schema, version)) as database:
        assert value(database.reader, "PRAGMA user_version") == version
        assert value(database.reader, "PRAGMA journal_mode") == "wal"
        assert value(database.reader, "PRAGMA integrity_check") == "ok"
        with database.write() as connection:
            assert value(connection, "PRAGMA synchronous") == 2


@pytest.mark.parametrize(("schema", "version"), SCHEMAS)
def test_a_newer_schema_is_refused_with_a_sentence(
    tmp_path: Path, schema: str, version: int
) -> None:
    path = tmp_path / "some.db"
    Database(path, schema, version).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {version + 1}")
    with pytest.raises(SchemaTooNew, match=rf"version {version + 1}.* up to {version}: run the"):
        Database(path, schema, version)
    with closing(sqlite3.connect(path)) as connection:
        assert value(connection, "PRAGMA user_version") == version + 1


def test_opening_again_keeps_what_is_there(open_catalogue: OpenCatalogue) -> None:
    first = open_catalogue(SHELF)
    again = open_catalogue()
    assert list(again) == list(first)
    assert len(again) == len(SHELF)


def test_what_fails_is_undone(open_catalogue: OpenCatalogue) -> None:
    catalogue = open_catalogue(SHELF)
    with pytest.raises(KeyError):
        delete_all_and_fail(catalogue.database)
    assert len(catalogue) == len(SHELF)


def test_a_commit_that_fails_is_undone_and_the_next_one_succeeds(
    open_catalogue: OpenCatalogue,
) -> None:
    catalogue = open_catalogue(SHELF)
    with pytest.raises(sqlite3.IntegrityError):
        violate_on_commit(catalogue.database)
    catalogue.put([document("after")])
    assert catalogue.get("after") is not None


@pytest.mark.lasting
def test_a_full_disk_is_reported_and_survived(open_catalogue: OpenCatalogue) -> None:
    catalogue = open_catalogue(SHELF)
    with catalogue.database.write() as connection:
        pages = value(connection, "PRAGMA page_count")
        connection.execute(f"PRAGMA max_page_count = {pages}")
    big = [document(f"big-{number}", text=f"word{number} " * 2000) for number in range(100)]
    with pytest.raises(sqlite3.OperationalError, match="full"):
        catalogue.put(big)
    assert len(catalogue) == len(SHELF)
    with catalogue.database.write() as connection:
        connection.execute("PRAGMA max_page_count = 1000000")
    catalogue.put(big)
    assert len(catalogue) == len(SHELF) + 100
    assert value(catalogue.database.reader, "PRAGMA integrity_check") == "ok"


def test_readers_cannot_write(open_catalogue: OpenCatalogue) -> None:
    catalogue = open_catalogue(SHELF)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        catalogue.database.reader.execute("DELETE FROM documents")


def test_a_snapshot_sees_one_moment(open_catalogue: OpenCatalogue) -> None:
    reader, writer = open_catalogue(SHELF), open_catalogue()
    count = "SELECT count(*) FROM documents"
    with reader.database.snapshot() as connection:
        before = value(connection, count)
        writer.put([document("later")])
        assert value(connection, count) == before
    assert value(reader.database.reader, count) == len(SHELF) + 1


def test_readers_do_not_wait_for_a_writer(open_catalogue: OpenCatalogue) -> None:
    reader, writer = open_catalogue(SHELF), open_catalogue()
    with writer.database.write() as connection:
        connection.execute("DELETE FROM documents WHERE id = 'tide'")
        assert reader.get("tide") is not None
    assert reader.get("tide") is None


def test_the_version_changes_with_every_commit_of_anybody(open_catalogue: OpenCatalogue) -> None:
    mine, other = open_catalogue(SHELF), open_catalogue()
    seen = [mine.database.version()]
    assert mine.database.version() == seen[0]
    for writer in (mine, other):
        writer.put([document("one", text=f"Number {len(seen)}.")])
        seen.append(mine.database.version())
    assert len(set(seen)) == 3


def test_threads_have_connections_of_their_own(open_catalogue: OpenCatalogue) -> None:
    database = open_catalogue(SHELF).database
    readers = [database.reader]

    def look() -> None:
        readers.append(database.reader)
        database.release()

    elsewhere(look)
    assert readers[0] is not readers[1]
    assert readers[0] is database.reader
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        readers[1].execute("SELECT 1")


def test_after_closing_the_file_alone_has_all_commits(
    open_catalogue: OpenCatalogue, tmp_path: Path
) -> None:
    """Also while another thread has a connection that is idle."""
    database, read, closed = open_catalogue(SHELF).database, threading.Event(), threading.Event()

    def idle() -> None:
        value(database.reader, "SELECT count(*) FROM documents")
        read.set()
        closed.wait(TIMEOUT)

    thread = threading.Thread(target=idle)
    thread.start()
    assert read.wait(TIMEOUT)
    database.close()
    copy = shutil.copy(database.path, tmp_path / "copy.db")
    with closing(sqlite3.connect(copy)) as connection:
        assert value(connection, "SELECT count(*) FROM documents") == len(SHELF)
    closed.set()
    thread.join()


@pytest.mark.lasting
def test_a_query_goes_on_while_the_database_is_closed(open_catalogue: OpenCatalogue) -> None:
    """Closing its connection would end the process."""
    database, begun, found = open_catalogue(SHELF).database, threading.Event(), []

    def count() -> None:
        database.reader.set_progress_handler(begun.set, 1)
        found.append(value(database.reader, COUNT))

    thread = threading.Thread(target=count)
    thread.start()
    assert begun.wait(TIMEOUT)
    database.close()
    thread.join()
    assert found == [MANY]
    with pytest.raises(sqlite3.ProgrammingError, match="closed"), database.write():
        pass
