"""Tests of the observatory, its SQL included."""
