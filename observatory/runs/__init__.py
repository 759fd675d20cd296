"""Runs of `make run`: which are stored, export to one file, and opening such a file."""
