"""The active model of each leg, the vectors of passages, and their replacement by a new model's.

Vectors of two models are never mixed. A new model's vectors are written next to the old ones in
batches, and one short transaction makes them active. Until then other processes serve with the old
ones; if the process is killed, these stay active and the next run starts again.
"""

import sqlite3
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from app.catalogue.database import Database
from app.catalogue.passages import Passage, headed, passages
from app.recommend.dense import unit
from app.recommend.embedding import Embedder, check
from app.recommend.latent import LatentModel
from app.recommend.text_analysis import stems, unbroken
from app.recommend.types import DENSE, LATENT, Document, Floats

Progress = Callable[[int], object]
BATCH = 500
"""Passages that are embedded between two transactions."""


TITLE_COUNTS = 3
"""Weight of a title's words relative to those of the text."""
TITLE_SHARE = np.float32(0.25)
"""Weight of the title's vector relative to the whole passage's."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A passage with the stems of its title (TITLE_COUNTS times) and its text."""

    title: str
    text: str
    stems: list[str]

    @classmethod
    def of(cls, document: Document, passage: Passage) -> "Prepared":
        title, text = passage.title(document), passage.text(document)
        return cls(title, text, stems(title) * TITLE_COUNTS + stems(text))


@dataclass(frozen=True, slots=True, eq=False)
class EncodedDocuments:
    """Documents, their passages, the n prepared passages of all documents, and these passages'
    vectors (n, d) by the model's row."""

    documents: Sequence[Document]
    passages: Sequence[Sequence[Passage]]
    prepared: Sequence[Prepared]
    vectors: Mapping[int, Floats]

    @classmethod
    def of(cls, documents: Sequence[Document], models: "ActiveModels") -> "EncodedDocuments":
        split = [passages(each) for each in documents]
        prepared = [
            Prepared.of(document, passage)
            for document, parts in zip(documents, split, strict=True)
            for passage in parts
        ]
        vectors = {row: vectors_of(model, prepared) for row, model in models.values()}
        return cls(documents, split, prepared, vectors)

    def matches(self, documents: Sequence[Document], models: "ActiveModels") -> bool:
        """Whether this contains the vectors of exactly these documents by the active models."""
        rows = {row for row, _ in models.values()}
        return self.documents == documents and (not documents or self.vectors.keys() == rows)


class StaleVectors(RuntimeError):
    """The stored vectors were made by a model other than this program's."""


LegModel = Embedder | LatentModel
"""The model of a vector leg: both types have a name, a version, a hash and a width."""
ActiveModels = Mapping[str, tuple[int, LegModel]]
"""Leg to (id in the table `models`, model)."""


def vectors_of(model: LegModel, prepared: Sequence[Prepared]) -> Floats:
    """Unit vectors (n, d) of passages."""
    if isinstance(model, LatentModel):
        return model.project_many([Counter(each.stems) for each in prepared])
    titles = model.embed([unbroken(each.title) for each in prepared])
    texts = model.embed([unbroken(f"{each.title} {each.text}") for each in prepared])
    return unit(texts + TITLE_SHARE * titles)


class Models:
    """The active models: the embedder is part of the program, the latent model is loaded."""

    def __init__(self, embedder: Embedder) -> None:
        """Raises EmbedderRefused."""
        check(embedder)
        self.embedder = embedder
        self._latent: tuple[int, LatentModel] | None = None

    def active(self, connection: sqlite3.Connection) -> ActiveModels:
        """Leg to (row, model). Raises StaleVectors if the embedder has changed."""
        query = "SELECT leg, id, hash FROM models WHERE active"
        rows = {leg: (row, hash_) for leg, row, hash_ in connection.execute(query)}
        found: dict[str, tuple[int, LegModel]] = {}
        if DENSE in rows:
            row, hash_ = rows[DENSE]
            self.require(hash_)
            found[DENSE] = row, self.embedder
        if LATENT in rows:
            found[LATENT] = rows[LATENT][0], self._load(connection, rows[LATENT][0])
        return found

    def require(self, hash_: str) -> None:
        """Raises StaleVectors unless the embedder has this hash."""
        if hash_ != self.embedder.hash:
            raise StaleVectors(
                f"vectors of model {hash_}, but the model is {self.embedder.hash}: reindex"
            )

    def _load(self, connection: sqlite3.Connection, row: int) -> LatentModel:
        cached = self._latent
        if cached is None or cached[0] != row:
            query = "SELECT artefact, hash FROM models WHERE id = ?"
            artefact, hash_ = connection.execute(query, (row,)).fetchone()
            try:
                model = LatentModel.load(artefact)
            except (ValueError, KeyError, OSError, zipfile.BadZipFile) as error:
                raise StaleVectors(f"the latent model can't be read ({error}): reindex") from error
            if model.hash != hash_:
                raise StaleVectors("the latent model does not match its hash: reindex")
            cached = self._latent = row, model
        return cached[1]


def store(connection: sqlite3.Connection, row: int, keys: Sequence[int], vectors: Floats) -> None:
    """Write the vectors (n, d) of passages, as float16."""
    halves = vectors.astype("<f2")
    rows = ((row, key, half.tobytes()) for key, half in zip(keys, halves, strict=True))
    connection.executemany("INSERT OR REPLACE INTO embeddings VALUES (?, ?, ?)", rows)


def install(
    database: Database,
    leg: str,
    model: LegModel,
    fitted_on: int,
    progress: Progress | None,
    *,
    activate: bool = True,
) -> None:
    """Write the vectors of every passage by `model`, then make it the active model of the leg.

    Vectors that an interrupted run, or one without `activate`, has left are used. Writers wait for
    no vector: these are made outside of the transactions. `fitted_on`: number of passages it was
    fitted on; `progress` gets the size of each batch.
    """
    artefact = model.dump() if isinstance(model, LatentModel) else None
    values = (leg, model.name, model.version, model.hash, model.width, fitted_on, artefact)
    columns = "leg, name, version, hash, dimensions, fitted_on, artefact"
    with database.write() as connection:
        query = "SELECT id FROM models WHERE leg = ? AND hash = ? AND NOT active"
        found = connection.execute(query, (leg, model.hash)).fetchone()
        insert = f"INSERT INTO models ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?)"
        row = found[0] if found else connection.execute(insert, values).lastrowid or 0
    last, complete = 0, False
    while not complete:
        batch = _missing(database.reader, row, last)
        vectors = vectors_of(model, list(batch.values()))
        last = max(batch, default=last)
        with database.write() as connection:
            query = "SELECT active FROM models WHERE id = ?"
            if connection.execute(query, (row,)).fetchone() != (0,):
                return  # another process has finished first
            stored = _present(connection, list(batch))
            store(
                connection,
                row,
                [k for k in batch if k in stored],
                vectors[[k in stored for k in batch]],
            )
            complete = not _missing(connection, row, last)
            if complete and activate:  # in the same transaction, so that no passage is missed
                others = "leg = ? AND id <> ?"
                connection.execute(f"DELETE FROM models WHERE NOT active AND {others}", (leg, row))
                connection.execute(f"UPDATE models SET active = 0 WHERE {others}", (leg, row))
                connection.execute("UPDATE models SET active = 1 WHERE id = ?", (row,))
        if progress is not None:
            progress(len(batch))


def _missing(connection: sqlite3.Connection, row: int, after: int) -> dict[int, Prepared]:
    """The next passages without a vector of the model, by key, in the order of keys."""
    query = (
        "SELECT p.key, title, heading, substr(text, start + 1, stop - start), stems "
        "FROM passages p JOIN documents d ON d.key = p.document JOIN words ON words.rowid = p.key "
        "WHERE p.key > ? AND NOT EXISTS "
        "(SELECT 1 FROM embeddings WHERE model = ? AND passage = p.key) ORDER BY p.key LIMIT ?"
    )
    return {
        key: Prepared(headed(title, heading), text, words.split())
        for key, title, heading, text, words in connection.execute(query, (after, row, BATCH))
    }


def _present(connection: sqlite3.Connection, keys: Sequence[int]) -> set[int]:
    """Which of these passages still exist."""
    query = "SELECT key FROM passages WHERE key BETWEEN ? AND ?"
    return {key for (key,) in connection.execute(query, (keys[0], keys[-1]))} if keys else set()
