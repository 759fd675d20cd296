"""Telemetry for a FastAPI service, to copy: traces, metrics and logs, correlated and private.

It knows nothing of the service it observes. Start at `kit.py`; `sdk.py` decides the SDK.
`docs/observe-your-own-service.md` shows how to use it.
"""
