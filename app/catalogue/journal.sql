-- Recommendations and feedback, version 3 (PRAGMA user_version). A separate file, because the
-- catalogue can be rebuilt and this cannot. Contains no user ids, and query text only if
-- VITRINE_JOURNAL_QUERIES allows it.

CREATE TABLE recommendations (
    sequence  INTEGER PRIMARY KEY AUTOINCREMENT,
    id        TEXT NOT NULL UNIQUE,
    model     TEXT NOT NULL,
    version   TEXT NOT NULL,
    degraded  TEXT NOT NULL, -- names, separated by spaces
    documents TEXT NOT NULL, -- ids in the order shown, separated by spaces
    served_at TEXT NOT NULL,
    trace     TEXT NOT NULL DEFAULT '', -- W3C traceparent of the request, or empty
    query_hash TEXT NOT NULL DEFAULT '', -- keyed hash of the query; empty: nobody typed one
    query      TEXT NOT NULL DEFAULT '' -- the query, if the settings allow it
) STRICT;

CREATE TABLE feedback (
    recommendation TEXT NOT NULL,
    document       TEXT NOT NULL,
    kind           TEXT NOT NULL CHECK (kind IN
                       ('click', 'dismiss', 'thumbs_up', 'thumbs_down', 'dwell')),
    rank           INTEGER NOT NULL,
    dwell_ms       INTEGER,
    received_at    TEXT NOT NULL, -- the first time
    repeats        INTEGER NOT NULL DEFAULT 0, -- how often the same was sent again
    PRIMARY KEY (recommendation, document, kind)
) STRICT, WITHOUT ROWID;

-- With it, equal queries have equal hashes in every process, and other files can't be matched.
CREATE TABLE hash_key (key BLOB NOT NULL) STRICT;
INSERT INTO hash_key VALUES (randomblob(32));
