"""Tests of the catalogue: files, importing, the index, the journal."""
