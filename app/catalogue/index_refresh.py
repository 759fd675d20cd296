"""Keeps one snapshot current: takes in what was written, here or by another process."""

import logging
import sqlite3
import threading
import time
from dataclasses import dataclass

import numpy as np

from app.catalogue.database import Database
from app.catalogue.row_loading import CategoryCodes, load_rows
from app.catalogue.snapshot import Memory, Snapshot
from app.catalogue.vectors import ActiveModels, Models, StaleVectors
from app.recommend.dense import EXACT
from app.recommend.latent import LatentModel
from app.recommend.spelling import Speller
from app.recommend.types import LATENT, Keys

FTS_DOCUMENTS = 2_000
"""Up to this size SQLite's own full-text index answers in well under a millisecond."""
HELD = 20_000
"""Up to this size all vectors are in memory: 2 KB a passage."""
INLINE = 1_000
"""More new passages than this are taken in beside the requests, not inside one."""
REST = 0.5
"""Seconds between two loads while more keeps coming in."""
WASTE = 0.2
"""The share of dead slots from which starting over is worth it."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Tier:
    """What is held in memory besides the small columns; see catalogue/index.py."""

    postings: bool
    codes: bool
    vectors: bool

    @classmethod
    def of(cls, size: int, lexical: str) -> "Tier":
        """By the number of passages, so that every process holds the same."""
        postings = lexical == "memory" or (lexical == "auto" and size > FTS_DOCUMENTS)
        return cls(postings, codes=size > EXACT, vectors=size <= HELD)


@dataclass(frozen=True, slots=True)
class Change:
    """What happened since a snapshot was taken."""

    models: ActiveModels
    removed: Keys
    removals: int
    added: int
    lost_track: bool

    def too_much(self, old: Snapshot) -> bool:
        """Whether it can't be taken in by the request that meets it."""
        rows = {leg: row for leg, (row, _) in self.models.items()}
        held = {leg: row for leg, (row, _) in old.models.items()}
        return self.lost_track or rows != held or self.added > INLINE


class Moments:
    """The current snapshot. Any thread may ask; one at a time brings it up to date."""

    def __init__(self, database: Database, models: Models, lexical: str = "auto") -> None:
        """`lexical`: `fts5`, `memory`, or `auto` (by the number of documents)."""
        self._database, self._models, self._lexical = database, models, lexical
        self.codes = CategoryCodes()
        self._lock = threading.Lock()
        self._rebuilding = False
        self._seen = threading.local()
        self._seen.version = database.version()
        self._memory, self._tier, self._snapshot = self._load()

    def current(self) -> Snapshot:
        """A snapshot with everything committed before this call (bulk imports: soon)."""
        version = self._database.version()
        if version != getattr(self._seen, "version", None):
            with self._lock:
                try:
                    if not self._catch_up() or self._outworn():
                        self._start_over()
                except StaleVectors:
                    log.exception("indexed by another program; the previous index goes on serving")
            self._seen.version = version  # only now: where this failed, the next call tries again
        return self._snapshot

    def _catch_up(self) -> bool:
        """Take in what is new; False if there is too much of it. Call with the lock held."""
        old = self._snapshot
        with self._database.snapshot() as connection:
            change = _changes(connection, self._models, old)
            if change.too_much(old):
                return False
            if change.added:
                latent = self._memory.holds_vectors
                rows = load_rows(connection, old.last_key, old.models, self.codes, latent=latent)
                self._memory.append(rows)
        if change.added or len(change.removed):
            self._memory.bury(change.removed)
            self._snapshot = self._memory.snapshot(old.models, change.removals, old.speller)
        return True

    def _outworn(self) -> bool:
        """Whether the snapshot, though current, is not what a fresh start would make."""
        slots, count = len(self._snapshot.keys), self._snapshot.count
        wasted = slots > INLINE and slots - count > WASTE * slots
        return wasted or Tier.of(count, self._lexical) != self._tier

    def _start_over(self) -> None:
        size = self._database.reader.execute("SELECT count(*) FROM passages").fetchone()[0]
        if max(size, len(self._snapshot.keys)) <= INLINE:
            self._memory, self._tier, self._snapshot = self._load()
        elif not self._rebuilding:
            self._rebuilding = True
            threading.Thread(target=self._rebuild, name="index", daemon=True).start()

    def _rebuild(self) -> None:
        """Load beside the requests, until nothing more than they can take in is missing."""
        try:
            current = False
            while not current:
                loaded = self._load()
                with self._lock:
                    self._memory, self._tier, self._snapshot = loaded
                    current = self._catch_up()
                    self._rebuilding = not current  # with the lock: no change falls in between
                if not current:  # an import is under way: let it get on
                    time.sleep(REST)
        except Exception:
            self._rebuilding = False
            log.exception("the index could not be rebuilt; the previous one goes on serving")
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
        lost_track=bool(removed) and removed[0][0] != old.removals + 1,
    )


def _speller(models: ActiveModels) -> Speller:
    _, model = models.get(LATENT, (0, None))
    if not isinstance(model, LatentModel):
        return Speller({})
    known = zip(model.terms, model.surfaces, model.frequencies, strict=True)
    return Speller({term: (surface, frequency) for term, surface, frequency in known})
