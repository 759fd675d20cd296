"""Reads and writes documents. A write stores document, words and vectors in one transaction."""

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum

from app.catalogue.database import Database
from app.catalogue.passages import ANALYSIS, passages
from app.catalogue.vectors import (
    TITLE_COUNTS,
    EncodedDocuments,
    Models,
    Progress,
    StaleVectors,
    install,
    store,
)
from app.recommend import latent
from app.recommend.embedding import Embedder
from app.recommend.types import DENSE, LATENT, Document

SCHEMA, SCHEMA_VERSION = "schema.sql", 2
COLUMNS = "id, title, text, category, url, updated_at"
REMOVALS_KEPT = 10_000
PAGE_CHARACTERS = 4_000_000
"""Approximate amount of text that is read at once."""
GROWTH = 2
"""The latent model is refitted when the catalogue has grown or shrunk by this factor."""


class Written(StrEnum):
    """What a write did to a document."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


def now() -> str:
    """The current time in UTC as RFC 3339, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Catalogue:
    """The stored documents. Safe to use from several threads and processes."""

    def __init__(self, database: Database, models: Models, clock: Callable[[], str] = now) -> None:
        self.database, self.models = database, models
        self._clock = clock

    def get(self, document_id: str) -> Document | None:
        """One document, or None."""
        query = f"SELECT {COLUMNS} FROM documents WHERE id = ?"
        found = self.database.rows(query, (document_id,))
        return Document(*found[0]) if found else None

    def page(self, after: str, limit: int, category: str | None = None) -> list[Document]:
        """Up to `limit` documents with ids after `after`, in the order of ids.

        Fewer if they exceed PAGE_CHARACTERS in total; none only at the end.
        """
        where, values = ("", []) if category is None else ("category = ? AND", [category])
        found = f"SELECT {COLUMNS} FROM documents WHERE {where} id > ? ORDER BY id LIMIT ?"
        until = "sum(length(text)) OVER (ORDER BY id)"
        query = (
            f"SELECT {COLUMNS} FROM (SELECT *, {until} - length(text) AS earlier FROM ({found})) "
            "WHERE earlier < ? ORDER BY id"
        )
        rows = self.database.rows(query, [*values, after, limit, PAGE_CHARACTERS])
        return [Document(*row) for row in rows]

    def _pages(self) -> Iterator[list[Document]]:
        after = ""
        while batch := self.page(after, 1000):
            yield batch
            after = batch[-1].id

    def __iter__(self) -> Iterator[Document]:
        """All documents in the order of ids; holds no transaction between pages."""
        for batch in self._pages():
            yield from batch

    def __len__(self) -> int:
        query = "SELECT count(*) FROM documents"
        return int(self.database.reader.execute(query).fetchone()[0])

    def sample_of_ids(self, size: int) -> list[str]:
        """At most `size` ids, evenly spread over all of them in their order."""
        query = (
            "SELECT id FROM (SELECT id, row_number() OVER (ORDER BY id) AS place FROM documents) "
            "WHERE place % ? = 0 LIMIT ?"
        )
        stride = max(-(-len(self) // size), 1)
        return [name for (name,) in self.database.reader.execute(query, (stride, size))]

    def existing(self, ids: Iterable[str]) -> frozenset[str]:
        """Those of these ids that documents have."""
        query = "SELECT id FROM documents WHERE id IN (SELECT value FROM json_each(?))"
        rows = self.database.reader.execute(query, (json.dumps(list(ids)),))
        return frozenset(name for (name,) in rows)

    def categories(self) -> dict[str, int]:
        """Number of documents by category."""
        query = "SELECT category, count(*) FROM documents GROUP BY category ORDER BY category"
        return dict(self.database.reader.execute(query).fetchall())

    def has_category(self, name: str) -> bool:
        """Whether any document has this category."""
        query = "SELECT EXISTS (SELECT 1 FROM documents WHERE category = ?)"
        return bool(self.database.reader.execute(query, (name,)).fetchone()[0])

    def put(self, documents: Sequence[Document]) -> list[Written]:
        """Create or update documents in one transaction, durable on return.

        A document with the same content as the stored one is not written: its `updated_at` stays.
        """
        if not documents:
            return []
        encoded = self._encode(self._outcomes(self.database.reader, documents)[1])
        with self.database.write() as connection:
            outcomes, fresh = self._outcomes(connection, documents)
            if not encoded.matches(fresh, self.models.active(connection)):
                encoded = self._encode(fresh)  # another write came in between
            self._insert(connection, encoded)
        return outcomes

    def delete(self, document_id: str) -> bool:
        """Remove a document; False if there was none."""
        with self.database.write() as connection:
            return _remove(connection, document_id)

    def _outcomes(
        self, connection: sqlite3.Connection, documents: Sequence[Document]
    ) -> tuple[list[Written], list[Document]]:
        """The outcome of writing each document, and the documents that must be written."""
        outcomes: list[Written] = []
        fresh: dict[str, Document] = {}
        for document in documents:
            outcome = self._compare(connection, fresh.get(document.id), document)
            outcomes.append(outcome)
            if outcome is not Written.UNCHANGED:
                fresh[document.id] = document
        return outcomes, list(fresh.values())

    def _encode(self, documents: Sequence[Document]) -> EncodedDocuments:
        """Passages, words and vectors; computed outside of the transaction to keep it short."""
        models = self.models.active(self.database.reader) if documents else {}
        return EncodedDocuments.of(documents, models)

    def _compare(
        self, connection: sqlite3.Connection, pending: Document | None, new: Document
    ) -> Written:
        """The outcome of writing `new` after `pending` (the same id, earlier in this batch)."""
        query = f"SELECT {COLUMNS} FROM documents WHERE id = ?"
        row = connection.execute(query, (new.id,)).fetchone()
        old = pending or (Document(*row) if row else None)
        if old is None:
            return Written.CREATED
        same = replace(new, updated_at=old.updated_at) == old
        return Written.UNCHANGED if same else Written.UPDATED

    def _insert(self, connection: sqlite3.Connection, encoded: EncodedDocuments) -> None:
        time, keys = self._clock(), []
        insert = f"INSERT INTO documents ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)"
        insert_passage = (
            "INSERT INTO passages (document, number, start, stop, heading, fragment) "
            "VALUES (?, ?, ?, ?, ?, ?)"
        )
        for new, parts in zip(encoded.documents, encoded.passages, strict=True):
            _remove(connection, new.id)
            values = (new.id, new.title, new.text, new.category, new.url, new.updated_at or time)
            document = connection.execute(insert, values).lastrowid
            for each in parts:
                where = (document, each.number, each.start, each.stop)
                columns = (*where, each.heading, each.fragment)
                keys.append(connection.execute(insert_passage, columns).lastrowid or 0)
        words = [
            (key, " ".join(each.stems)) for key, each in zip(keys, encoded.prepared, strict=True)
        ]
        connection.executemany("INSERT INTO words (rowid, stems) VALUES (?, ?)", words)
        for row, vectors in encoded.vectors.items():
            store(connection, row, keys, vectors)

    def _usable(self) -> bool:
        try:
            self.models.active(self.database.reader)
        except StaleVectors:
            return False
        return True

    def check_encoder(self) -> None:
        """Raises StaleVectors if the documents' vectors are by another encoder."""
        query = "SELECT hash FROM models WHERE leg = ? AND active"
        found = self.database.reader.execute(query, (DENSE,)).fetchone()
        if found:
            self.models.require(*found)

    def ensure_models(self, progress: Progress | None = None, *, refit: bool = False) -> bool:
        """Rebuild missing or stale passages, words and vectors; True if anything was rebuilt.

        The latent model is refitted with `refit`, and when the number of passages has changed by
        the factor GROWTH since the last fit. `progress` gets the size of each batch.
        """
        reader = self.database.reader
        query = "SELECT leg, hash, fitted_on FROM models WHERE active"
        active = {leg: (hash_, fitted_on) for leg, hash_, fitted_on in reader.execute(query)}
        dense = self.models.embedder
        stale = refit or active.get(DENSE, ("", 0))[0] != dense.hash
        if stale:
            install(self.database, DENSE, dense, 0, progress)
        (analysis,) = reader.execute("SELECT version FROM analysis").fetchone()
        if analysis != ANALYSIS:
            refit = self.analyse_again(progress) or refit
        (size,) = reader.execute("SELECT count(*) FROM passages").fetchone()
        fitted_on = active.get(LATENT, ("", 0))[1]
        refitted = False
        if size and (refit or _outgrown(size, fitted_on) or not self._usable()):
            refitted = self._refit(size, progress)
        return stale or refitted

    def make_ready(self, encoder: Embedder, progress: Progress | None = None) -> None:
        """Embed all passages by another encoder, which can then be chosen without a wait.

        Vectors that were made ready earlier, for another one, are removed.
        """
        query = "SELECT hash FROM models WHERE leg = ? AND active"
        if self.database.reader.execute(query, (DENSE,)).fetchone() == (encoder.hash,):
            return
        with self.database.write() as connection:
            other = "DELETE FROM models WHERE leg = ? AND NOT active AND hash <> ?"
            connection.execute(other, (DENSE, encoder.hash))
        install(self.database, DENSE, encoder, 0, progress, activate=False)

    def _refit(self, size: int, progress: Progress | None) -> bool:
        """Fit the latent model; False if there are too few words."""
        model = latent.fit(self._sample(-(-size // latent.MAX_SAMPLE)))
        if model is not None:
            install(self.database, LATENT, model, size, progress)
        return model is not None

    def _sample(self, stride: int) -> list[str]:
        """Every `stride`-th passage to fit on, in the order of ids, not of writing."""
        split = ((document, part) for document in self for part in passages(document))
        sample = (each for position, each in enumerate(split) if position % stride == 0)
        return [f"{part.title(of)}\n" * TITLE_COUNTS + part.text(of) for of, part in sample]

    def analyse_again(self, progress: Progress | None = None) -> bool:
        """Rebuild passages, words and vectors of every document, in batches; False if there are
        no documents."""
        if not self._usable():  # the latent model, which is refitted afterwards
            with self.database.write() as connection:
                connection.execute("DELETE FROM models WHERE leg = ?", (LATENT,))
        for batch in self._pages():
            encoded = self._encode(batch)
            with self.database.write() as connection:
                outcomes = self._outcomes(connection, batch)[0]
                current = [
                    document
                    for document, outcome in zip(batch, outcomes, strict=True)
                    if outcome is Written.UNCHANGED  # else written or deleted since it was read
                ]
                if not encoded.matches(current, self.models.active(connection)):
                    encoded = self._encode(current)
                self._insert(connection, encoded)
            if progress is not None:
                progress(len(batch))
        with self.database.write() as connection:
            connection.execute("UPDATE analysis SET version = ?", (ANALYSIS,))
        return len(self) > 0


def _outgrown(size: int, fitted_on: int) -> bool:
    return size > fitted_on * GROWTH or size * GROWTH < fitted_on


def _remove(connection: sqlite3.Connection, document_id: str) -> bool:
    row = connection.execute("SELECT key FROM documents WHERE id = ?", (document_id,)).fetchone()
    if row is None:
        return False
    keys = connection.execute("SELECT key FROM passages WHERE document = ?", row).fetchall()
    connection.execute("DELETE FROM documents WHERE key = ?", row)
    for key in keys:
        connection.execute("DELETE FROM words WHERE rowid = ?", key)
        sequence = connection.execute("INSERT INTO removals (key) VALUES (?)", key).lastrowid or 0
        connection.execute("DELETE FROM removals WHERE sequence <= ?", (sequence - REMOVALS_KEPT,))
    return True
