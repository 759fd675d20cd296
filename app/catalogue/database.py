"""An SQLite file with WAL, foreign keys, bounded waits, durable commits and schema migrations."""

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from app.recommend.stages import AWAIT_LOCK, TRANSACTION, StageObserver, Unobserved

BUSY_SECONDS = 5
"""How long a write waits for other writers, of this process and of others."""


Instrument = Callable[[sqlite3.Connection], sqlite3.Connection]


def uninstrumented(connection: sqlite3.Connection) -> sqlite3.Connection:
    """Null implementation of `Instrument`: the connection itself."""
    return connection


@dataclass(frozen=True, slots=True)
class Transaction:
    """A write transaction on the database with this name (that of its file, without suffix)."""

    database: str


class SchemaTooNew(RuntimeError):
    """The file was written by a newer version of the program."""


class _Connection(sqlite3.Connection):
    """A connection that supports weak references, which an `Instrument` may keep."""


class _Reader:
    """A thread's connection; closed when the thread has ended and its locals are freed."""

    def __init__(self, connection: sqlite3.Connection, instrument: Instrument) -> None:
        self.connection = connection
        self.instrumented = instrument(connection).cursor()

    def __del__(self) -> None:
        self.connection.close()


class Database:
    """One SQLite file: a read connection per thread, one writer at a time.

    Readers never wait for the writer (WAL). A commit returns when its pages are on disk
    (synchronous = FULL): acknowledged writes survive a crash.
    """

    def __init__(
        self,
        path: Path,
        schema: str,
        version: int,
        instrument: Instrument = uninstrumented,
        stages: StageObserver | None = None,
    ) -> None:
        """Open or create. `schema` is the name of an SQL file in this package.

        `instrument` may wrap each connection that `rows` reads from; `stages` observes the write
        transactions. Raises SchemaTooNew.
        """
        self.path, self._instrument = path, instrument
        self._stages: StageObserver = Unobserved()  # during the migration
        self.commits = 0
        """Write transactions of this process so far."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._local = threading.local()
        self._lock = threading.RLock()
        self._writer = self._connect()
        self._writer.execute("PRAGMA journal_mode = WAL")
        self._writer.execute("PRAGMA synchronous = FULL")
        self._migrate(schema, version)
        self._stages = stages or self._stages

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
        return connection

    def _migrate(self, schema: str, version: int) -> None:
        with self.write() as connection:
            (found,) = connection.execute("PRAGMA user_version").fetchone()
            if found > version:
                raise SchemaTooNew(
                    f"{self.path} has schema version {found}, and this program supports versions "
                    f"up to {version}: run the newer program, or use another data folder."
                )
            stem = schema.removesuffix(".sql")
            steps = [f"{stem}.{step}.sql" for step in range(found + 1, version + 1)]
            for script in steps if found else [schema]:
                for statement in _statements(files(__package__).joinpath(script).read_text()):
                    connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {version}")

    @property
    def reader(self) -> sqlite3.Connection:
        """This thread's read-only connection."""
        return self._reader().connection

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        """All rows of a query that belongs to a request; the query is instrumented."""
        return self._reader().instrumented.execute(query, values).fetchall()

    def _reader(self) -> _Reader:
        held: _Reader | None = getattr(self._local, "reader", None)
        if held is None:
            held = self._local.reader = _Reader(self._connect(), self._instrument)
            held.connection.execute("PRAGMA query_only = ON")
        return held

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """A transaction: durable at the end of the block, rolled back by an exception.

        Raises sqlite3.OperationalError (SQLITE_BUSY) after BUSY_SECONDS without the lock.
        """
        about = Transaction(self.path.stem)
        with self._stages.observe(AWAIT_LOCK) as stage:
            stage.result = about
            self._begin()
        try:
            with self._stages.observe(TRANSACTION) as stage:
                stage.result = about
                try:
                    yield self._writer
                    self._writer.execute("COMMIT")
                except BaseException:
                    if self._writer.in_transaction:  # a full disk has already rolled it back
                        self._writer.execute("ROLLBACK")
                    raise
                self.commits += 1
        finally:
            self._lock.release()

    def _begin(self) -> None:
        """Get the locks of this process's writers and of the file's."""
        if not self._lock.acquire(timeout=BUSY_SECONDS):
            raise _busy()
        try:
            self._writer.execute("BEGIN IMMEDIATE")
        except BaseException:
            self._lock.release()
            raise

    @contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        """A read transaction: all its reads see the same state. It may be inside another one."""
        if self.reader.in_transaction:
            yield self.reader
            return
        self.reader.execute("BEGIN")
        try:
            yield self.reader
        finally:
            self.reader.execute("COMMIT")

    def set_writable(self, writable: bool) -> None:
        """Let SQLite refuse this process's writes, or accept them again."""
        with self._lock:
            self._writer.execute(f"PRAGMA query_only = {'OFF' if writable else 'ON'}")

    def version(self) -> int:
        """A number that changes with each commit; comparable only within one thread."""
        (version,) = self.reader.execute("PRAGMA data_version").fetchone()
        return int(version)

    def release(self) -> None:
        """Close this thread's connection; the next use opens another."""
        self._local.__dict__.pop("reader", None)

    def close(self) -> None:
        """Close the writer and this thread's connection; others close when their threads end.

        A connection that is closed while another thread uses it ends the process (SIGSEGV). So any
        thread can still read, and a write that takes longer than BUSY_SECONDS keeps the writer.
        """
        self.release()
        if self._lock.acquire(timeout=BUSY_SECONDS):
            with suppress(sqlite3.Error):  # only the last connection to close does it by itself
                self._writer.execute("PRAGMA wal_checkpoint(PASSIVE)")
            self._writer.close()
            self._lock.release()


def _busy() -> sqlite3.OperationalError:
    """The same error that SQLite raises when another process holds the lock."""
    error = sqlite3.OperationalError("database is locked")
    error.sqlite_errorcode, error.sqlite_errorname = sqlite3.SQLITE_BUSY, "SQLITE_BUSY"
    return error


def _statements(script: str) -> Iterator[str]:
    """The statements of a script, to run in the caller's transaction (executescript commits)."""
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending
            pending = ""
