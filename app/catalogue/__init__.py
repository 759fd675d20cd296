"""The catalogue: documents, their passages, words and vectors, in one SQLite file."""
