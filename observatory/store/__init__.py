"""The embedded engine, its tables, inserts and retention."""
