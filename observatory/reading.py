"""Queries of readers: bounded in time, memory, rows and number at a time."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from queue import Empty, LifoQueue
from typing import Any

from chdb.session import Session

from observatory.engine import Engine, bound, quoted, speaking

VIEWS = "vitrine"
"""The database of the views."""
PATIENCE_SECONDS = 5
"""How long a query waits for its turn."""


class TooMany(Exception):
    """Too many queries are under way; ask again."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one query may take."""

    seconds: float
    memory: int
    rows: int
    """The result is cut after these many; 0: no cut."""
    result_rows: int = 500_000
    result_bytes: int = 64 << 20
    """Of columns; larger results are an error."""

    def settings(self) -> dict[str, Any]:
        """As ClickHouse's settings; the last forbids to change them."""
        return {
            "max_execution_time": self.seconds,
            "max_memory_usage": self.memory,
            "max_result_rows": self.result_rows,
            "max_result_bytes": self.result_bytes,
            "limit": self.rows,
            "max_threads": 2,
            "allow_introspection_functions": 0,
            "session_timezone": "'UTC'",
            "output_format_json_quote_64bit_integers": 0,
            "output_format_json_validate_utf8": 1,
            "readonly": 1,
        }


class Reader:
    """A few read-only sessions and who may use them. Thread-safe."""

    def __init__(self, engine: Engine, limits: Limits, at_once: int = 4) -> None:
        self._free: LifoQueue[Session] = LifoQueue()
        for _ in range(at_once):
            self._free.put(engine.session(limits.settings()))

    def query(
        self,
        sql: str,
        output: str,
        parameters: Mapping[str, Any] | None = None,
        database: str = VIEWS,
    ) -> bytes:
        """The result in one of ClickHouse's formats; names are looked up in `database` first.

        `sql` must be ours or have been through `statements.reading`.

        Raises:
            EngineError: the engine refused it, or it took more than it may.
            TooMany: there was no free session for PATIENCE_SECONDS.

        """
        with self._session() as session, speaking():
            session.query(f"USE {quoted(database)}")
            return bytes(session.query(sql, output, params=bound(parameters)).bytes())

    @contextmanager
    def _session(self) -> Iterator[Session]:
        try:
            session = self._free.get(timeout=PATIENCE_SECONDS)
        except Empty as error:
            raise TooMany("too many queries are under way; ask again in a moment") from error
        try:
            yield session
        finally:
            self._free.put(session)
