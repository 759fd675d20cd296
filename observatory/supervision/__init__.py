"""Runs a command with an observatory and a Collector, and restarts what dies."""
