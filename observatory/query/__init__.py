"""Queries of readers: permission checks and limits."""
