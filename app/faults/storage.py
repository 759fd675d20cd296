"""Faults of SQLite. The files are only read: what changes is the state of connections.

Locks, read-only refusals and the truncated index are SQLite's own; delays are made where a
statement starts.
"""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from pathlib import Path
from weakref import WeakSet

from app.catalogue.database import Database
from app.faults.switchboard import Active, Switchboard

READS_RESULTS = "JOIN words ON"
"""Part of the statement that reads the documents of the results."""
COMMENT, NESTED = "-- ", "'main'.'"
"""How SQLite reports the statements that FTS5 runs within one of ours."""
KEPT = 10
"""One of so many passages stays in the truncated index."""
TRUNCATE = (
    "CREATE VIRTUAL TABLE temp.words USING fts5 (stems, tokenize = \"ascii tokenchars '+#'\")",
    "INSERT INTO temp.words (rowid, stems) SELECT rowid, stems FROM main.words "
    f"WHERE rowid % {KEPT} = 0",
    "CREATE VIRTUAL TABLE temp.vocabulary USING fts5vocab (temp, words, row)",
)
"""Temporary tables of a connection hide those of the file with the same names."""
RESTORE = ("DROP TABLE temp.vocabulary", "DROP TABLE temp.words")


class StorageFaults:
    """Knows the connections that requests read from, and both databases."""

    def __init__(self, switchboard: Switchboard) -> None:
        self._switchboard = switchboard
        self._readers: WeakSet[sqlite3.Connection] = WeakSet()
        self._truncated: WeakSet[sqlite3.Connection] = WeakSet()
        switchboard.attach("full-text-truncated", self._truncate)

    def reader(self, connection: sqlite3.Connection) -> sqlite3.Connection:
        """Note a connection; the same connection."""
        self._readers.add(connection)
        self._delay(connection)
        if self._switchboard.active("full-text-truncated"):
            self._hide(connection)
        return connection

    def watch(self, databases: list[Database], reload: Callable[[], None]) -> None:
        """Write faults affect these; `reload` loads the index again after a fault of the index."""
        self._databases, self._reload = databases, reload
        self._switchboard.attach("sqlite-locked", self._lock)
        self._switchboard.attach("sqlite-read-only", self._refuse_writes)

    def _delay(self, connection: sqlite3.Connection) -> None:
        """Delay statements while a fault is on.

        The callback stays for the life of the connection: to remove it while a statement of another
        thread is in it would wait for that statement without releasing the interpreter lock, which
        the callback needs.
        """

        def started(statement: str) -> None:
            if statement.startswith(COMMENT) or NESTED in statement:
                return
            if (active := self._switchboard.hit("sqlite-slow")) is not None:
                time.sleep(active.delay)
            if READS_RESULTS in statement and (active := self._switchboard.hit("missing-index")):
                self._scan(connection, active.delay)

        connection.set_trace_callback(started)

    def _scan(self, connection: sqlite3.Connection, seconds: float) -> None:
        """Read the table from its beginning, again and again."""
        until = time.monotonic() + seconds
        (path,) = {row[2] for row in connection.execute("PRAGMA database_list") if row[1] == "main"}
        with closing(_read_only(Path(path))) as other:
            while time.monotonic() < until:
                other.execute("SELECT sum(length(text)) FROM documents").fetchall()

    @asynccontextmanager
    async def _truncate(self, _: Active) -> AsyncIterator[None]:
        for each in list(self._readers):
            self._hide(each)
        try:
            yield
        finally:
            for each in list(self._truncated):
                with suppress(sqlite3.ProgrammingError):
                    _change(each, RESTORE)
            self._truncated.clear()
            self._reload()

    def _hide(self, connection: sqlite3.Connection) -> None:
        with suppress(sqlite3.ProgrammingError):
            _change(connection, TRUNCATE)
            self._truncated.add(connection)

    @asynccontextmanager
    async def _lock(self, _: Active) -> AsyncIterator[None]:
        held: list[sqlite3.Connection] = []
        try:
            for each in self._databases:
                other = sqlite3.connect(each.path, timeout=5, isolation_level=None,
                                        check_same_thread=False)  # fmt: skip
                held.append(other)
                await asyncio.to_thread(other.execute, "BEGIN IMMEDIATE")
            yield
        finally:
            for other in held:
                other.close()  # which rolls back

    @asynccontextmanager
    async def _refuse_writes(self, _: Active) -> AsyncIterator[None]:
        for each in self._databases:
            each.set_writable(False)
        try:
            yield
        finally:
            for each in self._databases:
                each.set_writable(True)


def _read_only(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True, check_same_thread=False)


def _change(connection: sqlite3.Connection, statements: tuple[str, ...]) -> None:
    """Run statements about temporary tables on a connection that may only read."""
    with _writable(connection):
        for each in statements:
            connection.execute(each)


@contextmanager
def _writable(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("PRAGMA query_only = OFF")
    try:
        yield
    finally:
        connection.execute("PRAGMA query_only = ON")
