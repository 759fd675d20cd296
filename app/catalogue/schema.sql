-- The catalogue, version 2 (PRAGMA user_version). Each write gives a document and its passages new
-- keys. The changes since a snapshot are therefore: passages with keys above its last key, and
-- removals after its last removal.

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

-- The unit of retrieval: a short document is one passage, a long one several (passages.py).
CREATE TABLE passages (
    key      INTEGER PRIMARY KEY AUTOINCREMENT,
    document INTEGER NOT NULL REFERENCES documents (key) ON DELETE CASCADE,
    number   INTEGER NOT NULL, -- from 1; 0: the whole text
    start    INTEGER NOT NULL, -- characters of the text
    stop     INTEGER NOT NULL,
    heading  TEXT NOT NULL,
    fragment TEXT NOT NULL
) STRICT;

CREATE INDEX passages_by_document ON passages (document, number);

-- Version of the analysis that made passages and words; another version rebuilds them.
CREATE TABLE analysis (version INTEGER NOT NULL) STRICT;
INSERT INTO analysis VALUES (2); -- ANALYSIS in passages.py

CREATE TABLE removals (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    key      INTEGER NOT NULL -- of a passage
) STRICT;

-- The stems of a passage and its title, separated by spaces. recommend/text_analysis.py has made
-- them, so this tokenizer only splits. rowid is passages.key.
CREATE VIRTUAL TABLE words USING fts5 (stems, tokenize = "ascii tokenchars '+#'");
CREATE VIRTUAL TABLE vocabulary USING fts5vocab (words, row);

-- The models that made the vectors. One per leg is active; another one may be being filled.
CREATE TABLE models (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    leg        TEXT NOT NULL CHECK (leg IN ('dense', 'latent')),
    name       TEXT NOT NULL,
    version    TEXT NOT NULL,
    hash       TEXT NOT NULL,
    dimensions INTEGER NOT NULL,
    fitted_on  INTEGER NOT NULL, -- number of passages it was fitted on
    artefact   BLOB,
    active     INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE UNIQUE INDEX one_active_model ON models (leg) WHERE active;

-- Unit vectors, float16, little-endian.
CREATE TABLE embeddings (
    model   INTEGER NOT NULL REFERENCES models ON DELETE CASCADE,
    passage INTEGER NOT NULL REFERENCES passages (key) ON DELETE CASCADE,
    vector  BLOB NOT NULL,
    PRIMARY KEY (model, passage)
) STRICT, WITHOUT ROWID;

CREATE INDEX embeddings_by_passage ON embeddings (passage);
