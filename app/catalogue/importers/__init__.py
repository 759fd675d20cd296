"""Readers of documents from files: one module per format, and `row.py` with the common rules."""
