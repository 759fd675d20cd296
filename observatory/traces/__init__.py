"""Trace algorithms without I/O: span tree, critical path, self times."""
