"""SQLite, opened the same way everywhere: WAL, foreign keys, bounded waiting, durable commits."""

import sqlite3
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

BUSY_SECONDS = 5
"""How long a write waits for other writers, of this process and of others."""


Watch = Callable[[sqlite3.Connection], sqlite3.Connection]


def unwatched(connection: sqlite3.Connection) -> sqlite3.Connection:
    """The connection as it is."""
    return connection


class SchemaTooNew(RuntimeError):
    """The file was written by a newer version of the program."""


class _Connection(sqlite3.Connection):
    """A connection that can be referred to weakly."""


class _Reader:
    """Closes a thread's connection as soon as the thread has ended and its locals are gone."""

    def __init__(self, connection: sqlite3.Connection, watch: Watch) -> None:
        self.connection = connection
        self.watched = watch(connection).cursor()

    def __del__(self) -> None:
        self.connection.close()


class Database:
    """One SQLite file: a read connection per thread, one writer at a time.

    Readers never wait for the writer (WAL). A commit returns when its pages are on the disk
    (synchronous = FULL), so what was acknowledged survives a crash.
    """

    def __init__(self, path: Path, schema: str, version: int, watch: Watch = unwatched) -> None:
        """Open or create. `schema` names an SQL file beside this one. Raises SchemaTooNew.

        `watch` may put something around each connection that `rows` reads from.
        """
        self.path, self._watch = path, watch
        path.parent.mkdir(parents=True, exist_ok=True)
        self._local = threading.local()
        self._opened: weakref.WeakSet[_Connection] = weakref.WeakSet()
        self._lock = threading.RLock()
        self._writer = self._connect()
        self._writer.execute("PRAGMA journal_mode = WAL")
        self._writer.execute("PRAGMA synchronous = FULL")
        self._migrate(schema, version)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
            factory=_Connection,
        )
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA cache_size = -8192")
        self._opened.add(connection)
        return connection

    def _migrate(self, schema: str, version: int) -> None:
        with self.write() as connection:
            (found,) = connection.execute("PRAGMA user_version").fetchone()
            if found > version:
                raise SchemaTooNew(
                    f"{self.path} has schema version {found}, and this program knows versions up "
                    f"to {version}: run the newer program, or point the setting to another folder."
                )
            stem = schema.removesuffix(".sql")
            steps = [f"{stem}.{step}.sql" for step in range(found + 1, version + 1)]
            for script in steps if found else [schema]:
                for statement in _statements(files(__package__).joinpath(script).read_text()):
                    connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {version}")

    @property
    def reader(self) -> sqlite3.Connection:
        """This thread's connection for reading."""
        return self._reader().connection

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        """The result of a query that is part of a request, and watched as such."""
        return self._reader().watched.execute(query, values).fetchall()

    def _reader(self) -> _Reader:
        held: _Reader | None = getattr(self._local, "reader", None)
        if held is None:
            held = self._local.reader = _Reader(self._connect(), self._watch)
            held.connection.execute("PRAGMA query_only = ON")
        return held

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """A transaction: committed and durable at the end of the block, undone by an exception."""
        if not self._lock.acquire(timeout=BUSY_SECONDS):
            raise _busy()
        try:
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                self._writer.execute("COMMIT")
            except BaseException:
                if self._writer.in_transaction:  # a full disk has ended it already
                    self._writer.execute("ROLLBACK")
                raise
        finally:
            self._lock.release()

    @contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        """Several reads that see one moment."""
        self.reader.execute("BEGIN")
        try:
            yield self.reader
        finally:
            self.reader.execute("COMMIT")

    def version(self) -> int:
        """A number that is another one after each commit; to be compared on one thread only."""
        (version,) = self.reader.execute("PRAGMA data_version").fetchone()
        return int(version)

    def release(self) -> None:
        """Close this thread's connection; the next use opens another."""
        self._local.__dict__.pop("reader", None)

    def close(self) -> None:
        """Close every connection of every thread."""
        held = self._lock.acquire(timeout=BUSY_SECONDS)
        for connection in list(self._opened):
            connection.close()
        if held:
            self._lock.release()


def _busy() -> sqlite3.OperationalError:
    """The error that SQLite raises when another process holds the lock."""
    error = sqlite3.OperationalError("database is locked")
    error.sqlite_errorcode, error.sqlite_errorname = sqlite3.SQLITE_BUSY, "SQLITE_BUSY"
    return error


def _statements(script: str) -> Iterator[str]:
    """The statements of a script, so that they run inside the caller's transaction."""
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending
            pending = ""
