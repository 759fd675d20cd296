"""BM25 by SQLite's FTS5, for small catalogues: the same formula as `recommend/lexical.py`."""

import sqlite3
from collections.abc import Mapping, Sequence

import numpy as np

from app.catalogue.database import Database
from app.catalogue.snapshot import Snapshot, slots_of
from app.recommend.lexical import K1, idf
from app.recommend.types import Floats


def frequencies(connection: sqlite3.Connection, terms: Sequence[str]) -> dict[str, int]:
    """Number of passages that contain each term, without the terms that none contains."""
    marks = ",".join("?" * len(terms))
    query = f"SELECT term, doc FROM vocabulary WHERE term IN ({marks})"
    return dict(connection.execute(query, terms).fetchall())


def scores(database: Database, terms: Mapping[str, int], now: Snapshot) -> Floats:
    """BM25 of every slot (n,), in [0, 1].

    Terms are quoted, so that FTS5 sees no operators, and repeated as often as in the query.
    """
    result = np.zeros(len(now.keys), np.float32)
    known = frequencies(database.reader, list(terms))
    if not known:
        return result
    match = " OR ".join(f'"{term}"' for term in known for _ in range(terms[term]))
    query = "SELECT rowid, -bm25(words) FROM words WHERE words MATCH ? ORDER BY rowid"
    rows = database.rows(query, (match,))
    highest = sum(idf(now.count, known[each]) * (K1 + 1) * terms[each] for each in known)
    keys = np.fromiter((key for key, _ in rows), np.int64, len(rows))
    values = np.fromiter((value for _, value in rows), np.float32, len(rows))
    slots = slots_of(now.keys, keys)
    present = np.isin(keys, now.keys[slots]) if len(slots) < len(keys) else slice(None)
    result[slots] = values[present] / np.float32(highest)
    return np.clip(result, 0, 1)
