"""Read-only queries with limits on time, memory, rows and concurrency."""

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
WAIT_SECONDS = 5
"""How long a query waits for a free session."""


class TooManyQueries(Exception):
    """Too many queries are running; retry."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one query."""

    seconds: float
    memory: int
    """Bytes."""
    rows: int
    """A longer result is cut; 0: never cut."""
    result_rows: int = 500_000
    result_bytes: int = 64 << 20
    """Bytes of columns; a larger result is an error."""

    def settings(self) -> dict[str, Any]:
        """As ClickHouse settings; the last one (`readonly`) forbids changing them."""
        return {
            "max_execution_time": self.seconds,
            "max_memory_usage": self.memory,
            "max_result_rows": self.result_rows,
            "max_result_bytes": self.result_bytes,
            "limit": self.rows,
            "max_threads": 2,
            "enable_materialized_cte": 1,  # comparisons use a subquery several times
            "allow_introspection_functions": 0,
            "session_timezone": "'UTC'",
            "output_format_json_quote_64bit_integers": 0,
            "output_format_json_validate_utf8": 1,
            "readonly": 1,
        }


class Reader:
    """A pool of read-only sessions. Thread-safe."""

    def __init__(self, engine: Engine, limits: Limits, concurrency: int = 4) -> None:
        self._engine, self._limits = engine, limits
        self._free: LifoQueue[Session] = LifoQueue()
        for _ in range(concurrency):
            self._free.put(engine.session(limits.settings()))

    def query(
        self,
        sql: str,
        output: str,
        parameters: Mapping[str, Any] | None = None,
        database: str = VIEWS,
    ) -> bytes:
        """The result in the ClickHouse format `output`; see `result`."""
        return self.result(sql, output, parameters, database).content

    def result(
        self,
        sql: str,
        output: str,
        parameters: Mapping[str, Any] | None = None,
        database: str = VIEWS,
        settings: Mapping[str, str] | None = None,
    ) -> Result:
        """Run a query: result in the ClickHouse format `output`, with statistics.

        `sql` must be a constant or checked by `parse_reader_statement`; `settings` apply to this
        query only; unqualified names are resolved in `database`.

        Raises:
            NotAllowed: readers can't change one of the settings.
            EngineError: the engine refused the query, or it exceeded a limit.
            TooManyQueries: no session was free for WAIT_SECONDS.
            BudgetExceeded: the memory budget is exhausted.

        """
        bounds = self._limits.settings()
        own = reader_settings(settings, bounds) if settings else {}
        with self._session() as pooled:
            session = pooled
            if own:
                readonly = bounds.pop("readonly")
                session = self._engine.session({**bounds, **own, "readonly": readonly})
            arguments = (sql, output, parameters, database, self._limits.seconds)
            started = time.monotonic()
            try:
                return session.query(*arguments)
            except EngineGone:  # killed because of another query, or of this one
                if time.monotonic() - started > self._limits.seconds / 2:
                    raise
                return session.query(*arguments)
            finally:
                if own:
                    session.close()

    @contextmanager
    def _session(self) -> Iterator[Session]:
        try:
            session = self._free.get(timeout=WAIT_SECONDS)
        except Empty as error:
            raise TooManyQueries("too many queries are running; retry in a moment") from error
        try:
            yield session
        finally:
            self._free.put(session)
