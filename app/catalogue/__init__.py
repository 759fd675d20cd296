"""The catalogue: documents, their words and their vectors, in one SQLite file."""
