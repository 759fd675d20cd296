"""An OpenTelemetry SDK for the hot path: drop-in providers and exporters."""
