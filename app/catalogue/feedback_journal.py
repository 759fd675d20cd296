"""The feedback journal: recommendations that were served, and users' feedback on them.

Recommendations are buffered in memory and written in batches, so that no request waits for the
disk; if the process is killed, those of the last 0.2 s are lost. Feedback is written at once,
together with its recommendation, and is durable when `add_feedback` returns.
"""

import logging
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b

from app.catalogue.database import Database
from app.catalogue.store import now
from app.recommend.stages import FLUSH, StageObserver, Unobserved

SCHEMA, SCHEMA_VERSION = "journal.sql", 3
FLUSH_SECONDS = 0.2
PENDING = 20_000
"""Maximum number of recommendations in memory that are not written yet."""
INSERT = (
    "INSERT OR IGNORE INTO recommendations "
    "(id, model, version, degraded, documents, served_at, trace, query_hash, query) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)

log = logging.getLogger(__name__)


class Kind(StrEnum):
    """What a user did with a recommended document."""

    CLICK = "click"
    DISMISS = "dismiss"
    THUMBS_UP = "thumbs_up"
    THUMBS_DOWN = "thumbs_down"
    DWELL = "dwell"


@dataclass(frozen=True, slots=True)
class Served:
    """One recommendation that was served."""

    id: str
    model: str
    version: str
    degraded: tuple[str, ...]
    documents: tuple[str, ...]
    trace: str = ""
    """W3C traceparent of its request."""
    query: str = ""
    """The query; empty for similar documents, and with a category filter."""


@dataclass(frozen=True, slots=True)
class Feedback:
    """What a user did with a document; `dwell_ms` only with DWELL."""

    recommendation_id: str
    document_id: str
    kind: Kind
    dwell_ms: int | None = None


@dataclass(frozen=True, slots=True)
class RecordedFeedback:
    """Stored feedback. `rank` counts from 1; `repeated`: the same feedback was already stored."""

    rank: int
    repeated: bool
    kind: Kind
    served: Served


@dataclass(frozen=True, slots=True)
class Flushed:
    """Number of buffered recommendations that were written at once."""

    rows: int


class UnknownRecommendation(LookupError):
    """No recommendation with this id is in the journal."""


class NotRecommended(LookupError):
    """The recommendation did not contain this document."""


Batch = list[tuple[Served, str]]
"""Buffered recommendations with their times."""


class Journal:
    """Retains the last `capacity` recommendations, and all feedback."""

    def __init__(
        self,
        database: Database,
        capacity: int,
        clock: Callable[[], str] = now,
        *,
        shared: bool = False,
        queries: bool = False,
        stages: StageObserver | None = None,
    ) -> None:
        """`shared`: other processes write recommendations to the same database. `queries`: store
        their text, not only its hash. `stages` observes the writing in the background."""
        self._shared, self._stages = shared, stages or Unobserved()
        self._database, self._capacity, self._clock = database, capacity, clock
        (self._key,) = database.reader.execute("SELECT key FROM hash_key").fetchone()
        self._queries = queries
        self._pending: OrderedDict[str, tuple[Served, str]] = OrderedDict()
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self.dropped = 0
        self._thread = threading.Thread(target=self._keep_flushing, name="journal", daemon=True)
        self._thread.start()

    def record(self, served: Served) -> None:
        """Buffer a recommendation; never blocks. With PENDING in the buffer, drops the oldest."""
        with self._lock:
            if len(self._pending) >= PENDING:
                self._pending.popitem(last=False)
                self.dropped += 1
            self._pending[served.id] = served, self._clock()

    def add_feedback(self, feedback: Feedback) -> RecordedFeedback:
        """Store feedback durably. Repeated feedback is counted; a longer dwell replaces it.

        Raises UnknownRecommendation or NotRecommended.
        """
        self._await_other_processes(feedback.recommendation_id)
        batch = self._buffered()
        with self._database.write() as connection:
            self._insert(connection, batch)
            served = _find(connection, feedback.recommendation_id)
            if feedback.document_id not in served.documents:
                raise NotRecommended(feedback.document_id)
            rank = served.documents.index(feedback.document_id) + 1
            key = (feedback.recommendation_id, feedback.document_id, feedback.kind)
            where = "recommendation = ? AND document = ? AND kind = ?"
            repeated = connection.execute(f"SELECT 1 FROM feedback WHERE {where}", key).fetchone()
            insert = (
                "INSERT INTO feedback VALUES (?, ?, ?, ?, ?, ?, 0) ON CONFLICT DO UPDATE "
                "SET dwell_ms = max(excluded.dwell_ms, feedback.dwell_ms), repeats = repeats + 1"
            )
            connection.execute(insert, (*key, rank, feedback.dwell_ms, self._clock()))
        self._forget(batch)
        return RecordedFeedback(rank, repeated is not None, feedback.kind, served)

    def _await_other_processes(self, recommendation_id: str) -> None:
        """If the recommendation is unknown, wait until its process must have written it."""
        mine = recommendation_id in self._pending
        if self._shared and not mine and not _known(self._database.reader, recommendation_id):
            self._closing.wait(2 * FLUSH_SECONDS)

    def check(self) -> None:
        """Raises sqlite3.Error if the journal can't be read."""
        self._database.reader.execute("SELECT 1 FROM feedback LIMIT 1").fetchone()

    def flush(self) -> None:
        """Write the buffered recommendations. If that fails, they stay buffered."""
        if not (batch := self._buffered()):
            return
        with self._stages.observe(FLUSH) as stage:
            stage.result = Flushed(len(batch))
            with self._database.write() as connection:
                self._insert(connection, batch)
        self._forget(batch)

    @property
    def pending(self) -> int:
        """Number of buffered recommendations; at most PENDING."""
        return len(self._pending)

    def _buffered(self) -> Batch:
        with self._lock:
            return list(self._pending.values())

    def _insert(self, connection: sqlite3.Connection, batch: Batch) -> None:
        if not batch:
            return
        connection.executemany(INSERT, [self._row(served, at) for served, at in batch])
        query = "SELECT max(sequence) FROM recommendations"
        (newest,) = connection.execute(query).fetchone()
        delete = "DELETE FROM recommendations WHERE sequence <= ?"
        connection.execute(delete, (newest - self._capacity,))

    def _row(self, served: Served, at: str) -> tuple[str, ...]:
        degraded, documents = " ".join(served.degraded), " ".join(served.documents)
        text = served.query.casefold()
        hashed = blake2b(text.encode(), digest_size=8, key=self._key).hexdigest() if text else ""
        about = (served.id, served.model, served.version, degraded, documents, at, served.trace)
        return (*about, hashed, served.query if self._queries else "")

    def _forget(self, batch: Batch) -> None:
        """Remove written recommendations from the buffer."""
        with self._lock:
            for served, _ in batch:
                self._pending.pop(served.id, None)

    def _keep_flushing(self) -> None:
        while not self._closing.wait(FLUSH_SECONDS):
            try:
                self.flush()
            except sqlite3.Error:
                log.exception("recommendations could not be written to the journal")

    def close(self) -> None:
        """Stop the thread and write the rest."""
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
