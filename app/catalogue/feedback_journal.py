"""The journal: which documents were recommended, and what people did with them.

Recommendations are noted in memory and written in batches, so that serving waits for no disk; if
the process is killed, the last fraction of a second of them is lost. Feedback is written at once,
together with its recommendation, and is durable when `give` returns.
"""

import logging
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from app.catalogue.database import Database
from app.catalogue.store import now

SCHEMA, SCHEMA_VERSION = "journal.sql", 2
FLUSH_SECONDS = 0.2
PENDING = 20_000
INSERT = (
    "INSERT OR IGNORE INTO recommendations "
    "(id, model, version, degraded, documents, served_at, trace) VALUES (?, ?, ?, ?, ?, ?, ?)"
)

log = logging.getLogger(__name__)


class Kind(StrEnum):
    """What somebody did with a recommended document."""

    CLICK = "click"
    DISMISS = "dismiss"
    THUMBS_UP = "thumbs_up"
    THUMBS_DOWN = "thumbs_down"
    DWELL = "dwell"


@dataclass(frozen=True, slots=True)
class Served:
    """One recommendation as it went out."""

    id: str
    model: str
    version: str
    degraded: tuple[str, ...]
    documents: tuple[str, ...]
    trace: str = ""
    """W3C traceparent of the request it was made for."""


@dataclass(frozen=True, slots=True)
class Feedback:
    """What somebody did; `dwell_ms` belongs to DWELL."""

    recommendation_id: str
    document_id: str
    kind: Kind
    dwell_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Noted:
    """Feedback as it was kept; `repeated` if the same had been given before."""

    rank: int
    repeated: bool
    kind: Kind
    served: Served


class UnknownRecommendation(LookupError):
    """No recommendation with this id is remembered."""


class NotRecommended(LookupError):
    """The recommendation did not contain this document."""


class Journal:
    """Remembers the last `keep` recommendations, and all feedback."""

    def __init__(
        self,
        database: Database,
        keep: int,
        clock: Callable[[], str] = now,
        *,
        others: bool = False,
    ) -> None:
        """`others`: other processes note recommendations in the same database."""
        self._others = others
        self._database, self._keep, self._clock = database, keep, clock
        self._pending: OrderedDict[str, tuple[Served, str]] = OrderedDict()
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self.dropped = 0
        self._thread = threading.Thread(target=self._flush_often, name="journal", daemon=True)
        self._thread.start()

    def note(self, served: Served) -> None:
        """Remember a recommendation; never blocks. The oldest unwritten one goes when full."""
        with self._lock:
            if len(self._pending) >= PENDING:
                self._pending.popitem(last=False)
                self.dropped += 1
            self._pending[served.id] = served, self._clock()

    def give(self, feedback: Feedback) -> Noted:
        """Keep feedback. The same feedback again changes nothing; a longer dwell replaces it.

        Raises UnknownRecommendation or NotRecommended.
        """
        self.flush()
        self._await_others(feedback.recommendation_id)
        with self._database.write() as connection:
            served = _find(connection, feedback.recommendation_id)
            if feedback.document_id not in served.documents:
                raise NotRecommended(feedback.document_id)
            rank = served.documents.index(feedback.document_id) + 1
            key = (feedback.recommendation_id, feedback.document_id, feedback.kind)
            where = "recommendation = ? AND document = ? AND kind = ?"
            repeated = connection.execute(f"SELECT 1 FROM feedback WHERE {where}", key).fetchone()
            insert = (
                "INSERT INTO feedback VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE "
                "SET dwell_ms = excluded.dwell_ms WHERE excluded.dwell_ms > feedback.dwell_ms"
            )
            connection.execute(insert, (*key, rank, feedback.dwell_ms, self._clock()))
        return Noted(rank, repeated is not None, feedback.kind, served)

    def _await_others(self, recommendation_id: str) -> None:
        """Give the process that made an unknown recommendation the time to write it."""
        if self._others and not _known(self._database.reader, recommendation_id):
            self._closing.wait(2 * FLUSH_SECONDS)

    def check(self) -> None:
        """Raises sqlite3.Error where the journal can't be read."""
        self._database.reader.execute("SELECT 1 FROM feedback LIMIT 1").fetchone()

    def flush(self) -> None:
        """Write what was noted. What could not be written stays noted."""
        with self._lock:
            batch = list(self._pending.values())
        if not batch:
            return
        with self._database.write() as connection:
            connection.executemany(INSERT, [_row(served, at) for served, at in batch])
            query = "SELECT max(sequence) FROM recommendations"
            (newest,) = connection.execute(query).fetchone()
            forget = "DELETE FROM recommendations WHERE sequence <= ?"
            connection.execute(forget, (newest - self._keep,))
        with self._lock:
            for served, _ in batch:
                self._pending.pop(served.id, None)

    def _flush_often(self) -> None:
        while not self._closing.wait(FLUSH_SECONDS):
            try:
                self.flush()
            except sqlite3.Error:
                log.exception("recommendations could not be written to the journal")

    def close(self) -> None:
        """Write what is left and stop."""
        self._closing.set()
        self._thread.join()
        self.flush()


def _known(connection: sqlite3.Connection, recommendation_id: str) -> bool:
    query = "SELECT 1 FROM recommendations WHERE id = ?"
    return connection.execute(query, (recommendation_id,)).fetchone() is not None


def _find(connection: sqlite3.Connection, recommendation_id: str) -> Served:
    query = "SELECT model, version, degraded, documents, trace FROM recommendations WHERE id = ?"
    row = connection.execute(query, (recommendation_id,)).fetchone()
    if row is None:
        raise UnknownRecommendation(recommendation_id)
    model, version, degraded, documents, trace = row
    shown = tuple(documents.split())
    return Served(recommendation_id, model, version, tuple(degraded.split()), shown, trace)


def _row(served: Served, at: str) -> tuple[str, ...]:
    degraded, documents = " ".join(served.degraded), " ".join(served.documents)
    return served.id, served.model, served.version, degraded, documents, at, served.trace
