"""Queries of readers: bounded in time, memory, rows and number at a time."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from queue import Empty, LifoQueue
from typing import Any

from observatory.query.query_settings import reader_settings
from observatory.store.engine import Engine, EngineGone, Result, Session

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
        self._engine, self._limits = engine, limits
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
        """The result in one of ClickHouse's formats; names are looked up in `database` first."""
        return self.result(sql, output, parameters, database).content

    def result(
        self,
        sql: str,
        output: str,
        parameters: Mapping[str, Any] | None = None,
        database: str = VIEWS,
        settings: Mapping[str, str] | None = None,
    ) -> Result:
        """As `query`, with settings of this query, as text, and what it took.

        `sql` must be ours or have been through `statements.reading`.

        Raises:
            NotAllowed: a setting is not for readers.
            EngineError: the engine refused it, or it took more than it may.
            TooMany: there was no free session for PATIENCE_SECONDS.
            Full: there is no memory for the result.

        """
        bounds = self._limits.settings()
        own = reader_settings(settings, bounds) if settings else {}
        with self._session() as pooled:
            session = pooled
            if own:
                readonly = bounds.pop("readonly")
                session = self._engine.session({**bounds, **own, "readonly": readonly})
            asked = (sql, output, parameters, database, self._limits.seconds)
            started = time.monotonic()
            try:
                return session.query(*asked)
            except EngineGone:  # another's query was to blame, or this as well
                if time.monotonic() - started > self._limits.seconds / 2:
                    raise
                return session.query(*asked)
            finally:
                if own:
                    session.close()

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
