-- From version 1 to 2: feedback links to the trace of its recommendation.
ALTER TABLE recommendations ADD COLUMN trace TEXT NOT NULL DEFAULT '';
