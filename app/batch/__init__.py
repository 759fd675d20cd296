"""Batches from files: rows of queries in, JSON Lines out, in chunks that can be resumed."""
