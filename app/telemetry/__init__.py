"""What the service tells about itself: traces, metrics and logs (see docs/telemetry.md)."""
