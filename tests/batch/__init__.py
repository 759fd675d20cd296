"""Tests of batches from files."""
