"""Is it well, and if not, why: objectives, alerts, requests, dependencies, models, telemetry."""
