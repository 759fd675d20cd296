"""ClickHouse in this process (chDB), as few ways in as the rest needs.

Facts that bite: one process for a folder; a session for each thread (one shared fails while data
is sent); a fork after the import hangs the child; a query on the main thread swallows Ctrl-C.
"""

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from chdb import ChdbError
from chdb.session import Session

ARGUMENTS = {
    "log-level": "none",
    "background_pool_size": 2,
    "mark_cache_size": 64 << 20,
    "uncompressed_cache_size": 0,
}
"""Of `clickhouse local`; the caches are a server's by default."""


class EngineError(Exception):
    """The engine could not do what it was asked; says why, in its words."""


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
        """Open it, or make it; `memory`: bytes that all queries together may take."""
        if "?" in str(folder):
            raise EngineError("the engine can't use a folder with a question mark in its name")
        folder.mkdir(parents=True, exist_ok=True)
        self._incoming = folder / "incoming"
        self._incoming.mkdir(exist_ok=True)
        given = {**ARGUMENTS, "max_server_memory_usage": memory}
        self._where = f"{folder / 'engine'}?" + "&".join(
            f"{name}={value}" for name, value in given.items()
        )
        self._own = threading.local()
        self._sessions: list[Session] = []
        self._lock = threading.Lock()

    def session(self, settings: Mapping[str, Any] = {}) -> Session:
        """A session of the caller's own; one thread at a time may use it."""
        with self._speaking():
            session = Session(self._where)
        with self._lock:
            self._sessions.append(session)
        if settings:
            session.query(
                "SET " + ", ".join(f"{name} = {value}" for name, value in settings.items())
            )
        return session

    def run(self, statements: str, **parameters: Any) -> bytes:
        """Statements of our own; the last one's rows as tab-separated values."""
        with self._speaking():
            result = self._session().query(statements, "TSV", params=bound(parameters))
            return bytes(result.bytes())

    def insert(self, statement: str, blocks: Iterable[bytes], database: str = "") -> None:
        """Store Native blocks in one go. On return they survive a kill.

        By way of a file: chDB's `send_insert` is silent about what goes wrong beyond parsing, a
        full disk say, and of data behind a statement it reads a quarter of a megabyte.
        """
        with NamedTemporaryFile(dir=self._incoming, suffix=".native") as file:
            file.writelines(blocks)
            file.flush()
            with self._writing(database) as session:
                session.query(f"{statement} SELECT * FROM file({literal(file.name)}, Native)")

    def write(
        self, statement: str, output: str, parameters: Mapping[str, Any], database: str
    ) -> bytes:
        """A statement of somebody who may write; the result in the format `output`."""
        with self._writing(database) as session:
            result = session.query(statement, output, params=bound(parameters))
            return bytes(result.bytes())

    @contextmanager
    def _writing(self, database: str) -> Iterator[Session]:
        session = self._session()
        with self._speaking():
            session.query(f"USE {quoted(database or 'default')}")
            yield session

    @staticmethod
    @contextmanager
    def _speaking() -> Iterator[None]:
        """Whatever chDB raises becomes an EngineError."""
        try:
            yield
        except (ChdbError, RuntimeError) as error:
            raise EngineError(str(error)) from error

    def interrupt(self) -> None:
        """End the queries that are under way."""
        self.run("KILL QUERY WHERE query NOT LIKE 'KILL%' ASYNC")

    def close(self) -> None:
        """Close every session; nothing may be under way."""
        with self._lock:
            sessions, self._sessions = self._sessions, []
        for session in sessions:
            session.close()

    def _session(self) -> Session:
        if not hasattr(self._own, "session"):
            # Rows of late senders may be of many hours, each a partition.
            self._own.session = self.session({"max_partitions_per_insert_block": 0})
        return self._own.session
