"""ClickHouse in this process (chDB), as few ways in as the rest needs.

Facts that bite: a folder is for one process, a session for one thread at a time; a fork after the
import hangs the child; a query on the main thread swallows Ctrl-C.
"""

import fcntl
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, LifoQueue
from tempfile import NamedTemporaryFile
from typing import IO, Any

from chdb import ChdbError
from chdb.session import Session

ARGUMENTS = {
    "log-level": "none",
    "background_pool_size": 2,
    "mark_cache_size": 64 << 20,
    "uncompressed_cache_size": 0,
}
"""Of `clickhouse local`; the caches are a server's by default."""
WRITING = {
    "max_partitions_per_insert_block": 0,  # rows of late senders may be of many hours
    "max_threads": 1,
}


class EngineError(Exception):
    """The engine could not do what it was asked; says why, in its words."""


@contextmanager
def speaking() -> Iterator[None]:
    """Whatever chDB raises becomes an EngineError."""
    try:
        yield
    except (ChdbError, RuntimeError) as error:
        raise EngineError(str(error)) from error


class Escaped(str):
    """A query parameter that is written as ClickHouse reads it, with escapes."""

    __slots__ = ()


_ESCAPES = str.maketrans(
    {"\\": r"\\", "\n": r"\n", "\t": r"\t", "\r": r"\r", "\0": r"\0", "\b": r"\b", "\f": r"\f"}
)


def bound(parameters: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Query parameters as the engine takes them: text is escaped, unless it is already."""
    if not parameters:
        return None
    return {
        name: value.translate(_ESCAPES)
        if isinstance(value, str) and not isinstance(value, Escaped)
        else value
        for name, value in parameters.items()
    }


def quoted(name: str) -> str:
    """An identifier, for where none can be bound."""
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def literal(text: str) -> str:
    """A string, for where none can be bound."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


class Engine:
    """The embedded engine over one folder. Thread-safe."""

    def __init__(self, folder: Path, memory: int) -> None:
        """Open it, or make it; `memory`: bytes that all queries together may take.

        Raises EngineError or OSError where it can't be had.
        """
        if "?" in str(folder):
            raise EngineError("the engine can't use a folder with a question mark in its name")
        self._incoming = folder / "incoming"
        self._incoming.mkdir(parents=True, exist_ok=True)
        self._ours = _held(folder / "in-use")
        for left in self._incoming.iterdir():
            left.unlink()  # by one that was killed
        given = {**ARGUMENTS, "max_server_memory_usage": memory}
        self._where = f"{folder / 'engine'}?" + "&".join(f"{k}={v}" for k, v in given.items())
        self._free: LifoQueue[Session] = LifoQueue()
        self._sessions: list[Session] = []

    def session(self, settings: Mapping[str, Any]) -> Session:
        """A session with settings of its own; one thread at a time may use it."""
        with speaking():
            session = Session(self._where)
            self._sessions.append(session)
            session.query(
                "SET " + ", ".join(f"{name} = {value}" for name, value in settings.items())
            )
        return session

    def run(self, statements: str, **parameters: Any) -> bytes:
        """Statements of our own; the last one's rows as tab-separated values."""
        return self.write(statements, "TSV", parameters)

    def write(
        self,
        statement: str,
        output: str,
        parameters: Mapping[str, Any],
        database: str = "default",
    ) -> bytes:
        """A statement that may do anything; the result in the format `output`."""
        with self._borrowed(database) as session:
            return bytes(session.query(statement, output, params=bound(parameters)).bytes())

    def insert(self, statement: str, blocks: Iterable[bytes], database: str = "default") -> None:
        """Store Native blocks in one go. On return they survive a kill.

        By way of a file: chDB's `send_insert` is silent about what goes wrong beyond parsing, a
        full disk say, and of data behind a statement it reads a quarter of a megabyte.
        """
        with (
            NamedTemporaryFile(dir=self._incoming, suffix=".native") as file,
            self._borrowed(database) as session,
        ):
            file.writelines(blocks)
            file.flush()
            session.query(f"{statement} SELECT * FROM file({literal(file.name)}, Native)")

    def interrupt(self) -> None:
        """End the queries that are under way; inserts go on."""
        self.run("KILL QUERY WHERE query_kind = 'Select' SYNC")

    def close(self) -> None:
        """Close every session; nothing may be under way."""
        for session in self._sessions:
            session.close()
        self._ours.close()

    @contextmanager
    def _borrowed(self, database: str) -> Iterator[Session]:
        """A session that nobody else uses meanwhile; there are as many as were ever needed."""
        with speaking():
            try:
                session = self._free.get_nowait()
            except Empty:
                session = self.session(WRITING)
            try:
                session.query(f"USE {quoted(database)}")
                yield session
            finally:
                self._free.put(session)


def _held(path: Path) -> IO[str]:
    """A file that one process at a time can hold; whatever becomes of it, its hold goes with it."""
    file = path.open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise EngineError("another observatory uses it") from error
    return file
