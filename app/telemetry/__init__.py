"""The service's telemetry: traces, metrics and logs (see docs/telemetry.md)."""
