"""Reading and writing documents. A write carries its words and its vectors in one transaction."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum

from app.catalogue.database import Database
from app.catalogue.vectors import (
    TITLE_COUNTS,
    Made,
    Models,
    Prepared,
    Progress,
    StaleVectors,
    install,
    store,
    vectors_of,
)
from app.recommend import latent
from app.recommend.types import DENSE, LATENT, Document

SCHEMA, SCHEMA_VERSION = "schema.sql", 1
COLUMNS = "id, title, text, category, url, updated_at"
REMOVALS_KEPT = 10_000
GROWTH = 2
"""The latent model is fitted anew when the catalogue has grown or shrunk by this factor."""


class Written(StrEnum):
    """What a write did to a document."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


def now() -> str:
    """The current time, RFC 3339, UTC, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Catalogue:
    """The documents. Safe to use from several threads and processes."""

    def __init__(self, database: Database, models: Models, clock: Callable[[], str] = now) -> None:
        self.database, self.models = database, models
        self._clock = clock

    def get(self, document_id: str) -> Document | None:
        """One document, or None."""
        query = f"SELECT {COLUMNS} FROM documents WHERE id = ?"
        found = self.database.rows(query, (document_id,))
        return Document(*found[0]) if found else None

    def page(self, after: str, limit: int, category: str | None = None) -> list[Document]:
        """Up to `limit` documents in the order of their ids, those after `after`."""
        where, values = ("", []) if category is None else ("category = ? AND", [category])
        query = f"SELECT {COLUMNS} FROM documents WHERE {where} id > ? ORDER BY id LIMIT ?"
        rows = self.database.rows(query, [*values, after, limit])
        return [Document(*row) for row in rows]

    def __iter__(self) -> Iterator[Document]:
        """All documents in the order of their ids; holds no transaction meanwhile."""
        after = ""
        while batch := self.page(after, 1000):
            yield from batch
            after = batch[-1].id

    def __len__(self) -> int:
        query = "SELECT count(*) FROM documents"
        return int(self.database.reader.execute(query).fetchone()[0])

    def categories(self) -> dict[str, int]:
        """How many documents each category has."""
        query = "SELECT category, count(*) FROM documents GROUP BY category ORDER BY category"
        return dict(self.database.reader.execute(query).fetchall())

    def has_category(self, name: str) -> bool:
        """Whether any document has it."""
        query = "SELECT EXISTS (SELECT 1 FROM documents WHERE category = ?)"
        return bool(self.database.reader.execute(query, (name,)).fetchone()[0])

    def put(self, documents: Sequence[Document]) -> list[Written]:
        """Create or update documents in one transaction; when it returns they are durable.

        A document whose content is already there stays as it is, `updated_at` included.
        """
        if not documents:
            return []
        made = self._make(self._outcomes(self.database.reader, documents)[1])
        with self.database.write() as connection:
            outcomes, fresh = self._outcomes(connection, documents)
            if not made.serves(fresh, self.models.active(connection)):
                made = self._make(fresh)  # somebody else wrote meanwhile
            self._insert(connection, made)
        return outcomes

    def delete(self, document_id: str) -> bool:
        """Remove a document; False if there was none."""
        with self.database.write() as connection:
            return _remove(connection, document_id)

    def _outcomes(
        self, connection: sqlite3.Connection, documents: Sequence[Document]
    ) -> tuple[list[Written], list[Document]]:
        """What writing would do to each, and the documents that would be written."""
        outcomes: list[Written] = []
        fresh: dict[str, Document] = {}
        for document in documents:
            outcome = self._compare(connection, fresh.get(document.id), document)
            outcomes.append(outcome)
            if outcome is not Written.UNCHANGED:
                fresh[document.id] = document
        return outcomes, list(fresh.values())

    def _make(self, documents: Sequence[Document]) -> Made:
        """Words and vectors, made before a transaction so that nobody has to wait for them."""
        prepared = [Prepared.of(each) for each in documents]
        models = self.models.active(self.database.reader) if prepared else {}
        vectors = {row: vectors_of(model, prepared) for row, model in models.values()}
        return Made(prepared, vectors)

    def _compare(
        self, connection: sqlite3.Connection, pending: Document | None, new: Document
    ) -> Written:
        """What writing `new` would do, after `pending` (the same id, earlier in this batch)."""
        query = f"SELECT {COLUMNS} FROM documents WHERE id = ?"
        row = connection.execute(query, (new.id,)).fetchone()
        old = pending or (Document(*row) if row else None)
        if old is None:
            return Written.CREATED
        same = replace(new, updated_at=old.updated_at) == old
        return Written.UNCHANGED if same else Written.UPDATED

    def _insert(self, connection: sqlite3.Connection, made: Made) -> None:
        moment, prepared = self._clock(), made.prepared
        keys = []
        insert = f"INSERT INTO documents ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)"
        for each in prepared:
            new = each.document
            _remove(connection, new.id)
            values = (new.id, new.title, new.text, new.category, new.url, new.updated_at or moment)
            keys.append(connection.execute(insert, values).lastrowid or 0)
        words = [(key, " ".join(each.stems)) for key, each in zip(keys, prepared, strict=True)]
        connection.executemany("INSERT INTO words (rowid, stems) VALUES (?, ?)", words)
        for row, vectors in made.vectors.items():
            store(connection, row, keys, vectors)

    def _usable(self) -> bool:
        try:
            self.models.active(self.database.reader)
        except StaleVectors:
            return False
        return True

    def ensure_models(self, progress: Progress | None = None, *, refit: bool = False) -> bool:
        """Make missing or stale vectors anew; True if anything was done.

        The latent model is fitted again on demand, or when the catalogue's size has changed by
        GROWTH since the last fit.
        """
        reader = self.database.reader
        query = "SELECT leg, hash, fitted_on FROM models WHERE active"
        active = {leg: (hash_, fitted_on) for leg, hash_, fitted_on in reader.execute(query)}
        dense = self.models.embedder
        stale = refit or active.get(DENSE, ("", 0))[0] != dense.hash
        if stale:
            install(self.database, DENSE, dense, 0, progress)
        size, fitted_on = len(self), active.get(LATENT, ("", 0))[1]
        refitted = False
        if size and (refit or _outgrown(size, fitted_on) or not self._usable()):
            stride = -(-size // latent.MAX_SAMPLE)
            sample = (each for place, each in enumerate(self) if place % stride == 0)
            texts = [f"{each.title}\n" * TITLE_COUNTS + each.text for each in sample]
            if (model := latent.fit(texts)) is not None:
                install(self.database, LATENT, model, size, progress)
                refitted = True
        return stale or refitted


def _outgrown(size: int, fitted_on: int) -> bool:
    return size > fitted_on * GROWTH or size * GROWTH < fitted_on


def _remove(connection: sqlite3.Connection, document_id: str) -> bool:
    row = connection.execute("SELECT key FROM documents WHERE id = ?", (document_id,)).fetchone()
    if row is None:
        return False
    connection.execute("DELETE FROM documents WHERE key = ?", row)
    connection.execute("DELETE FROM words WHERE rowid = ?", row)
    sequence = connection.execute("INSERT INTO removals (key) VALUES (?)", row).lastrowid or 0
    connection.execute("DELETE FROM removals WHERE sequence <= ?", (sequence - REMOVALS_KEPT,))
    return True
