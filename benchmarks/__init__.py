"""Measurements: each command prints a table and writes its figures as JSON."""
