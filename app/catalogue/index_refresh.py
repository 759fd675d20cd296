"""Keeps the in-memory snapshot current with writes of this process and of others."""

import logging
import math
import sqlite3
import threading
import time
from dataclasses import dataclass

import numpy as np

from app.catalogue.database import Database
from app.catalogue.index_changes import Refreshed, changes
from app.catalogue.row_loading import CategoryCodes, load_rows
from app.catalogue.snapshot import Memory, Snapshot
from app.catalogue.vectors import ActiveModels, Models, StaleVectors
from app.recommend.dense import EXACT
from app.recommend.latent import LatentModel
from app.recommend.spelling import Speller
from app.recommend.stages import REFRESH, StageObserver, Unobserved
from app.recommend.types import LATENT, Keys

FTS_DOCUMENTS = 2_000
"""Up to this number of passages, SQLite's full-text index takes well under a millisecond."""
MAX_IN_MEMORY = 20_000
"""Up to this number of passages, all vectors are in memory: 2 KB per passage."""
MAX_INLINE = 1_000
"""More new passages than this are loaded in a background thread instead of inside a request."""
RELOAD_PAUSE_SECONDS = 0.5
"""Pause between two background loads while an import is running."""
RETRY_SECONDS = 10.0
"""Until a failed rebuild is tried again."""
MAX_DEAD_SHARE = 0.2
"""Fraction of dead slots that triggers a reload."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Tier:
    """Which large structures are held in memory; see catalogue/index.py."""

    postings: bool
    codes: bool
    vectors: bool

    @classmethod
    def of(cls, size: int, lexical: str) -> "Tier":
        """Depends on the number of passages only, so that it is the same in every process."""
        postings = lexical == "memory" or (lexical == "auto" and size > FTS_DOCUMENTS)
        return cls(postings, codes=size > EXACT, vectors=size <= MAX_IN_MEMORY)


@dataclass(frozen=True, slots=True)
class Change:
    """Writes since a snapshot was taken."""

    models: ActiveModels
    removed: Keys
    removals: int
    added: int
    removals_missed: bool

    def needs_reload(self, old: Snapshot) -> bool:
        """Whether it is too large or too different to be applied inside a request."""
        rows = {leg: row for leg, (row, _) in self.models.items()}
        held = {leg: row for leg, (row, _) in old.models.items()}
        return self.removals_missed or rows != held or self.added > MAX_INLINE


class LiveSnapshot:
    """Holds the current snapshot. Thread-safe: one thread at a time updates it."""

    def __init__(
        self,
        database: Database,
        models: Models,
        lexical: str = "auto",
        stages: StageObserver | None = None,
    ) -> None:
        """`lexical`: `fts5`, `memory`, or `auto` (by the number of documents). `stages` observes
        refreshes."""
        self._database, self._models, self._lexical = database, models, lexical
        self._stages, self._commits_seen = stages or Unobserved(), database.commits
        self.codes = CategoryCodes()
        self._lock = threading.Lock()
        self._rebuilding, self._retry_at = False, math.inf
        self._version_seen = threading.local()
        self._version_seen.version = database.version()
        self._memory, self._tier, self._snapshot = self._load()

    def current(self) -> Snapshot:
        """A snapshot with everything committed before this call (large imports: soon after)."""
        version = self._database.version()
        if version != getattr(self._version_seen, "version", None) or self._is_retry_due():
            with self._lock, self._stages.observe(REFRESH) as stage:
                before, self._retry_at = self._snapshot, math.inf
                try:
                    if not self._catch_up() or self._outdated():
                        self._reload()
                    stage.result = self._changes(before)
                except StaleVectors:
                    log.exception("vectors of another model; the previous index stays in use")
            # Set last: after a failure the next call tries again.
            self._version_seen.version = version
        return self._snapshot

    def _is_retry_due(self) -> bool:
        """Whether a rebuild has failed, some time ago."""
        return time.monotonic() >= self._retry_at

    def reload(self) -> None:
        """Load everything again."""
        with self._lock:
            self._reload()

    def _changes(self, before: Snapshot) -> Refreshed:
        """What has changed since the snapshot; nothing yet if a thread loads it. Call with the
        lock held."""
        own = self._database.commits != self._commits_seen
        if self._rebuilding:
            return Refreshed(by_this_process=own)
        self._commits_seen = self._database.commits
        if before is self._snapshot:
            return Refreshed(by_this_process=own)
        return changes(before, self._snapshot, self.codes, own=own)

    def _catch_up(self) -> bool:
        """Apply the changes; False if a reload is needed. Call with the lock held."""
        old = self._snapshot
        with self._database.snapshot() as connection:
            change = _changes(connection, self._models, old)
            if change.needs_reload(old):
                return False
            if change.added:
                latent = self._memory.holds_vectors
                rows = load_rows(connection, old.last_key, old.models, self.codes, latent=latent)
                self._memory.append(rows)
        if change.added or len(change.removed):
            self._memory.mark_dead(change.removed)
            self._snapshot = self._memory.snapshot(old.models, change.removals, old.speller)
        return True

    def _outdated(self) -> bool:
        """Whether a reload would give a smaller snapshot or another tier."""
        slots, count = len(self._snapshot.keys), self._snapshot.count
        wasted = slots > MAX_INLINE and slots - count > MAX_DEAD_SHARE * slots
        return wasted or Tier.of(count, self._lexical) != self._tier

    def _reload(self) -> None:
        size = self._database.reader.execute("SELECT count(*) FROM passages").fetchone()[0]
        if max(size, len(self._snapshot.keys)) <= MAX_INLINE:
            self._memory, self._tier, self._snapshot = self._load()
        elif not self._rebuilding:
            self._rebuilding = True
            threading.Thread(target=self._rebuild, name="index", daemon=True).start()

    def _rebuild(self) -> None:
        """Load in the background until the rest is small enough to be applied by requests."""
        try:
            current = False
            while not current:
                with self._stages.observe(REFRESH) as stage:
                    loaded = self._load()
                    with self._lock:
                        before = self._snapshot
                        self._memory, self._tier, self._snapshot = loaded
                        current = self._catch_up()
                        self._rebuilding = not current  # with the lock: no write comes in between
                        after, own = self._snapshot, self._database.commits != self._commits_seen
                        self._commits_seen = self._database.commits
                    stage.result = changes(before, after, self.codes, own=own)
                if not current:  # an import is running
                    time.sleep(RELOAD_PAUSE_SECONDS)
        except Exception:
            self._rebuilding, self._retry_at = False, time.monotonic() + RETRY_SECONDS
            log.exception("the index could not be rebuilt; the previous one stays in use")
        finally:
            self._database.release()

    def _load(self) -> tuple[Memory, Tier, Snapshot]:
        with self._database.snapshot() as connection:
            models = self._models.active(connection)
            query = "SELECT coalesce(max(sequence), 0) FROM removals"
            (removals,) = connection.execute(query).fetchone()
            (size,) = connection.execute("SELECT count(*) FROM passages").fetchone()
            tier = Tier.of(size, self._lexical)
            rows = load_rows(connection, 0, models, self.codes, latent=tier.vectors)
        memory = Memory(rows, codes=tier.codes, vectors=tier.vectors, postings=tier.postings)
        return memory, tier, memory.snapshot(models, removals, _speller(models))


def _changes(connection: sqlite3.Connection, models: Models, old: Snapshot) -> Change:
    query = "SELECT sequence, key FROM removals WHERE sequence > ? ORDER BY sequence"
    removed = connection.execute(query, (old.removals,)).fetchall()
    query = "SELECT count(*) FROM passages WHERE key > ?"
    (added,) = connection.execute(query, (old.last_key,)).fetchone()
    return Change(
        models=models.active(connection),
        removed=np.sort(np.array([key for _, key in removed], np.int64)),
        removals=removed[-1][0] if removed else old.removals,
        added=added,
        removals_missed=bool(removed) and removed[0][0] != old.removals + 1,
    )


def _speller(models: ActiveModels) -> Speller:
    _, model = models.get(LATENT, (0, None))
    if not isinstance(model, LatentModel):
        return Speller({})
    known = zip(model.terms, model.surfaces, model.frequencies, strict=True)
    return Speller({term: (surface, frequency) for term, surface, frequency in known})
