"""Tests of the service's telemetry."""
