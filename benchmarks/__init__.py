"""Measurements: each module is one command that prints a table and keeps its figures as JSON."""
