-- Recommendations and feedback, version 2 (PRAGMA user_version). A separate file, because the
-- catalogue can be rebuilt and this cannot. Contains no query text and no user ids.

CREATE TABLE recommendations (
    sequence  INTEGER PRIMARY KEY AUTOINCREMENT,
    id        TEXT NOT NULL UNIQUE,
    model     TEXT NOT NULL,
    version   TEXT NOT NULL,
    degraded  TEXT NOT NULL, -- names, separated by spaces
    documents TEXT NOT NULL, -- ids in the order shown, separated by spaces
    served_at TEXT NOT NULL,
    trace     TEXT NOT NULL DEFAULT '' -- W3C traceparent of the request, or empty
) STRICT;

CREATE TABLE feedback (
    recommendation TEXT NOT NULL,
    document       TEXT NOT NULL,
    kind           TEXT NOT NULL CHECK (kind IN
                       ('click', 'dismiss', 'thumbs_up', 'thumbs_down', 'dwell')),
    rank           INTEGER NOT NULL,
    dwell_ms       INTEGER,
    received_at    TEXT NOT NULL,
    PRIMARY KEY (recommendation, document, kind)
) STRICT, WITHOUT ROWID;
