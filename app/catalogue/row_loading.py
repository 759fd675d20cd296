"""Loads passages and vectors from the database into arrays."""

import sqlite3
import threading
from collections.abc import Sequence
from hashlib import blake2b

import numpy as np

from app.catalogue.database import Database
from app.catalogue.snapshot import Halves, Rows
from app.catalogue.vectors import ActiveModels
from app.recommend.topic_signal import title_hash
from app.recommend.types import DENSE, LATENT, Floats, Keys


class CategoryCodes(dict[str, int]):
    """Maps category names to small integers, assigned at first use. Thread-safe."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()

    def __missing__(self, name: str) -> int:
        with self._lock:
            return self.setdefault(name, len(self))


def load_rows(
    connection: sqlite3.Connection,
    after: int,
    models: ActiveModels,
    codes: CategoryCodes,
    *,
    latent: bool,
) -> Rows:
    """The passages with keys above `after`; `latent`: with their latent vectors.

    Call it inside a read transaction. Passages that a damaged full-text index lacks have no words.
    """
    query = (
        "SELECT p.key, d.key, number, id, title, category, coalesce(stems, '') FROM passages p "
        "JOIN documents d ON d.key = p.document LEFT JOIN words ON words.rowid = p.key "
        "WHERE p.key > ? ORDER BY p.key"
    )
    keys: list[int] = []
    documents: list[int] = []
    ties: list[int] = []
    split = False
    titles: list[int] = []
    categories: list[int] = []
    stems: list[str] = []
    for key, document, number, id_, title, category, text in connection.execute(query, (after,)):
        keys.append(key)
        documents.append(document)
        ties.append(_tie(id_, number))
        split = split or number > 0
        titles.append(title_hash(title))
        categories.append(codes[category])
        stems.append(text)
    return Rows(
        keys=np.array(keys, np.int64),
        documents=np.array(documents, np.int64),
        ties=np.array(ties, np.uint64),
        split=split,
        titles=np.array(titles, np.uint64),
        categories=np.array(categories, np.int32),
        stems=stems,
        dense=_vectors(connection, DENSE, models, after, len(keys)),
        latent=_vectors(connection, LATENT, models, after, len(keys)) if latent else None,
    )


def _tie(document_id: str, number: int) -> int:
    """Order of equal scores: depends on the id only, so it is the same in every process."""
    digest = blake2b(f"{document_id} {number}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little")


def _vectors(
    connection: sqlite3.Connection, leg: str, models: ActiveModels, after: int, count: int
) -> Halves:
    if leg not in models:
        return np.zeros((count, 64), np.float16)
    row, model = models[leg]
    query = "SELECT vector FROM embeddings WHERE model = ? AND passage > ? ORDER BY passage"
    blobs = [blob for (blob,) in connection.execute(query, (row, after))]
    return _halves(blobs, model.width)


def load_vectors(database: Database, leg: str, models: ActiveModels, keys: Keys) -> Floats:
    """The vectors (n, d) of passages; zeros for deleted ones."""
    if leg not in models:
        return np.zeros((len(keys), 64), np.float32)
    row, model = models[leg]
    marks = ",".join("?" * len(keys))
    query = f"SELECT passage, vector FROM embeddings WHERE model = ? AND passage IN ({marks})"
    found = dict(database.rows(query, (row, *keys.tolist())))
    nothing = bytes(2 * model.width)
    blobs = [found.get(key, nothing) for key in keys.tolist()]
    return _halves(blobs, model.width).astype(np.float32)


def _halves(blobs: Sequence[bytes], width: int) -> Halves:
    return np.frombuffer(b"".join(blobs), "<f2").reshape(len(blobs), width)
