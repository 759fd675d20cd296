"""A catalogue of an earlier version: opened, taken over, and analysed again at the next start."""

import sqlite3
from contextlib import closing
from pathlib import Path

from app.catalogue.passages import ANALYSIS
from app.recommend.types import Document
from tests.catalogue.index_inspection import index_of, search
from tests.opening import OpenCatalogue

VERSION_1 = """
CREATE TABLE documents (key INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
  title TEXT NOT NULL, text TEXT NOT NULL, category TEXT NOT NULL, url TEXT NOT NULL,
  updated_at TEXT NOT NULL) STRICT;
CREATE INDEX documents_by_category ON documents (category, id);
CREATE TABLE removals (sequence INTEGER PRIMARY KEY AUTOINCREMENT, key INTEGER NOT NULL) STRICT;
CREATE VIRTUAL TABLE words USING fts5 (stems, tokenize = "ascii tokenchars '+#'");
CREATE VIRTUAL TABLE vocabulary USING fts5vocab (words, row);
CREATE TABLE models (id INTEGER PRIMARY KEY AUTOINCREMENT, leg TEXT NOT NULL, name TEXT NOT NULL,
  version TEXT NOT NULL, hash TEXT NOT NULL, dimensions INTEGER NOT NULL,
  fitted_on INTEGER NOT NULL, artefact BLOB, active INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE UNIQUE INDEX one_active_model ON models (leg) WHERE active;
CREATE TABLE embeddings (model INTEGER NOT NULL REFERENCES models ON DELETE CASCADE,
  document INTEGER NOT NULL REFERENCES documents (key) ON DELETE CASCADE, vector BLOB NOT NULL,
  PRIMARY KEY (model, document)) STRICT, WITHOUT ROWID;
CREATE INDEX embeddings_by_document ON embeddings (document);
PRAGMA user_version = 1;
"""
OLD = [
    Document("tide", "Tide", "The moon pulls the sea.", "earth", "", "2025-01-01T00:00:00Z"),
    Document(
        "acme", "Acme™ oven", "Bakes.\n\n" + "Plain words. " * 600, "", "", "2025-01-02T00:00:00Z"
    ),
]


def test_a_catalogue_of_version_1(open_catalogue: OpenCatalogue, tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(VERSION_1)
        for key, each in enumerate(OLD, 7):
            values = (key, each.id, each.title, each.text, each.category, each.url, each.updated_at)
            connection.execute("INSERT INTO documents VALUES (?, ?, ?, ?, ?, ?, ?)", values)
            connection.execute("INSERT INTO words (rowid, stems) VALUES (?, 'acmetm old')", (key,))
        connection.commit()
    catalogue = open_catalogue(name="old.db")  # which makes the models, as every start does
    assert {each.id: each for each in catalogue} == {each.id: each for each in OLD}
    assert search(index_of(catalogue), "acme")[0] == "acme"
    reader = catalogue.database.reader
    assert reader.execute("SELECT version FROM analysis").fetchone() == (ANALYSIS,)
    query = "SELECT count(*), max(number) FROM passages JOIN words ON words.rowid = passages.key"
    assert reader.execute(query).fetchone() == (3, 2)
    assert not catalogue.ensure_models(), "nothing is left to do"
