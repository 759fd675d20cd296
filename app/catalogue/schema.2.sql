-- From version 1 to 2: every document becomes one passage; the next start splits the long ones.

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
INSERT INTO analysis VALUES (1);

INSERT INTO passages (key, document, number, start, stop, heading, fragment)
SELECT key, key, 0, 0, length(text), '', '' FROM documents;

DROP INDEX embeddings_by_document;
ALTER TABLE embeddings RENAME TO embeddings_of_documents;

CREATE TABLE embeddings (
    model   INTEGER NOT NULL REFERENCES models ON DELETE CASCADE,
    passage INTEGER NOT NULL REFERENCES passages (key) ON DELETE CASCADE,
    vector  BLOB NOT NULL,
    PRIMARY KEY (model, passage)
) STRICT, WITHOUT ROWID;

INSERT INTO embeddings SELECT model, document, vector FROM embeddings_of_documents;
DROP TABLE embeddings_of_documents;
CREATE INDEX embeddings_by_passage ON embeddings (passage);
