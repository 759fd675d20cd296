-- From version 2 to 3: feedback can be aggregated by query, and learnt from.
ALTER TABLE recommendations ADD COLUMN query_hash TEXT NOT NULL DEFAULT '';
ALTER TABLE recommendations ADD COLUMN query TEXT NOT NULL DEFAULT '';
ALTER TABLE feedback ADD COLUMN repeats INTEGER NOT NULL DEFAULT 0;
CREATE TABLE hash_key (key BLOB NOT NULL) STRICT;
INSERT INTO hash_key VALUES (randomblob(32));
