-- The catalogue, version 1 (PRAGMA user_version). A document that is written gets a new key, so
-- "what changed since" is "keys above the last one seen" plus the removals after the last one seen.

CREATE TABLE documents (
    key        INTEGER PRIMARY KEY AUTOINCREMENT,
    id         TEXT NOT NULL UNIQUE,
    title      TEXT NOT NULL,
    text       TEXT NOT NULL,
    category   TEXT NOT NULL,
    url        TEXT NOT NULL,
    updated_at TEXT NOT NULL
) STRICT;

CREATE INDEX documents_by_category ON documents (category, id);

CREATE TABLE removals (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    key      INTEGER NOT NULL
) STRICT;

-- The stems of title and text, separated by blanks: the analysis is done before (recommend/words.py),
-- so this tokenizer only splits. rowid is documents.key.
CREATE VIRTUAL TABLE words USING fts5 (stems, tokenize = "ascii tokenchars '+#'");
CREATE VIRTUAL TABLE vocabulary USING fts5vocab (words, row);

-- Which model made the vectors of a leg. Only one per leg is active; another is being filled.
CREATE TABLE models (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    leg        TEXT NOT NULL CHECK (leg IN ('dense', 'latent')),
    name       TEXT NOT NULL,
    version    TEXT NOT NULL,
    hash       TEXT NOT NULL,
    dimensions INTEGER NOT NULL,
    fitted_on  INTEGER NOT NULL, -- documents it learnt from
    artefact   BLOB,
    active     INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE UNIQUE INDEX one_active_model ON models (leg) WHERE active;

-- Unit vectors, float16, little-endian.
CREATE TABLE embeddings (
    model    INTEGER NOT NULL REFERENCES models ON DELETE CASCADE,
    document INTEGER NOT NULL REFERENCES documents (key) ON DELETE CASCADE,
    vector   BLOB NOT NULL,
    PRIMARY KEY (model, document)
) STRICT, WITHOUT ROWID;

CREATE INDEX embeddings_by_document ON embeddings (document);
