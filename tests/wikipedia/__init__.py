"""Tests of the topic signal against a local server that stands in for Wikipedia."""
