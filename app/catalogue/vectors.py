"""Which model made the vectors of each leg, and how they are made anew when it changes.

Vectors of two models are never mixed: a new model's vectors are filled in beside the old ones,
batch by batch, and one short transaction makes them the active ones. Killed on the way, the old
ones stay active and the next run starts over. The old ones are kept until then, because somebody
may still be answering with them.
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
BATCH = 2_000


TITLE_COUNTS = 3
"""How often the words of a title count, next to those of the text."""
TITLE_SHARE = np.float32(0.25)
"""How far a passage's vector is drawn towards its title's."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A passage with its analysis: the stems of its title and its text."""

    title: str
    text: str
    stems: list[str]

    @classmethod
    def of(cls, document: Document, passage: Passage) -> "Prepared":
        title, text = passage.title(document), passage.text(document)
        return cls(title, text, stems(title) * TITLE_COUNTS + stems(text))


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """Documents with their passages, the analysis of all these in one list (n), and for each model
    (by its row) their vectors (n, d)."""

    documents: Sequence[Document]
    passages: Sequence[Sequence[Passage]]
    prepared: Sequence[Prepared]
    vectors: Mapping[int, Floats]

    @classmethod
    def of(cls, documents: Sequence[Document], models: "ActiveModels") -> "Made":
        split = [passages(each) for each in documents]
        prepared = [
            Prepared.of(document, passage)
            for document, parts in zip(documents, split, strict=True)
            for passage in parts
        ]
        vectors = {row: vectors_of(model, prepared) for row, model in models.values()}
        return cls(documents, split, prepared, vectors)

    def serves(self, documents: Sequence[Document], models: "ActiveModels") -> bool:
        """Whether these are all of the documents' vectors, by the models that are active now."""
        rows = {row for row, _ in models.values()}
        return self.documents == documents and (not documents or self.vectors.keys() == rows)


class StaleVectors(RuntimeError):
    """The stored vectors were made by another model than this program uses."""


LegModel = Embedder | LatentModel
"""What makes the vectors of a leg: both have a name, a version, a hash and a width."""
ActiveModels = Mapping[str, tuple[int, LegModel]]
"""Leg to (row of `models`, model)."""


def vectors_of(model: LegModel, prepared: Sequence[Prepared]) -> Floats:
    """Unit vectors (n, d) of passages."""
    if isinstance(model, LatentModel):
        return model.project_many([Counter(each.stems) for each in prepared])
    titles = model.embed([unbroken(each.title) for each in prepared])
    whole = model.embed([unbroken(f"{each.title} {each.text}") for each in prepared])
    return unit(whole + TITLE_SHARE * titles)


class Models:
    """The active model of each leg: the embedder comes with the program, the other is loaded."""

    def __init__(self, embedder: Embedder) -> None:
        """Raises EmbedderRefused."""
        check(embedder)
        self.embedder = embedder
        self._latent: tuple[int, LatentModel] | None = None

    def active(self, connection: sqlite3.Connection) -> ActiveModels:
        """Leg to (row, model). Raises StaleVectors where the embedder is another one."""
        query = "SELECT leg, id, hash FROM models WHERE active"
        rows = {leg: (row, hash_) for leg, row, hash_ in connection.execute(query)}
        found: dict[str, tuple[int, LegModel]] = {}
        if DENSE in rows:
            row, hash_ = rows[DENSE]
            if hash_ != self.embedder.hash:
                raise StaleVectors(f"made by {hash_}, this is {self.embedder.hash}: reindex")
            found[DENSE] = row, self.embedder
        if LATENT in rows:
            found[LATENT] = rows[LATENT][0], self._load(connection, rows[LATENT][0])
        return found

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
                raise StaleVectors("the latent model is not the one it was: reindex")
            cached = self._latent = row, model
        return cached[1]


def store(connection: sqlite3.Connection, row: int, keys: Sequence[int], vectors: Floats) -> None:
    """Write the vectors (n, d) of passages, as float16."""
    halves = vectors.astype("<f2")
    rows = ((row, key, half.tobytes()) for key, half in zip(keys, halves, strict=True))
    connection.executemany("INSERT OR REPLACE INTO embeddings VALUES (?, ?, ?)", rows)


def install(
    database: Database, leg: str, model: LegModel, fitted_on: int, progress: Progress | None
) -> None:
    """Make every passage's vector with `model`, then make it the active one of the leg.

    `fitted_on` is how many passages it learnt from; `progress` hears of each batch's size.
    """
    artefact = model.dump() if isinstance(model, LatentModel) else None
    values = (leg, model.name, model.version, model.hash, model.width, fitted_on, artefact)
    columns = "leg, name, version, hash, dimensions, fitted_on, artefact"
    with database.write() as connection:
        insert = f"INSERT INTO models ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?)"
        row = connection.execute(insert, values).lastrowid or 0
    last, more = 0, True
    while more:
        with database.write() as connection:
            if not connection.execute("SELECT 1 FROM models WHERE id = ?", (row,)).fetchone():
                return  # another process was faster, and its model is active
            last, count = _fill(connection, row, model, last)
            more = count == BATCH
            if not more:  # the same transaction: no passage can slip in between
                others = "leg = ? AND id <> ?"
                connection.execute(f"DELETE FROM models WHERE NOT active AND {others}", (leg, row))
                connection.execute(f"UPDATE models SET active = 0 WHERE {others}", (leg, row))
                connection.execute("UPDATE models SET active = 1 WHERE id = ?", (row,))
        if progress is not None:
            progress(count)


def _fill(connection: sqlite3.Connection, row: int, model: LegModel, after: int) -> tuple[int, int]:
    query = (
        "SELECT p.key, title, heading, substr(text, start + 1, stop - start), stems "
        "FROM passages p JOIN documents d ON d.key = p.document JOIN words ON words.rowid = p.key "
        "WHERE p.key > ? ORDER BY p.key LIMIT ?"
    )
    rows = connection.execute(query, (after, BATCH)).fetchall()
    if not rows:
        return after, 0
    prepared = [
        Prepared(headed(title, heading), text, words.split())
        for _, title, heading, text, words in rows
    ]
    store(connection, row, [key for key, *_ in rows], vectors_of(model, prepared))
    return rows[-1][0], len(rows)
