"""A telemetry kit to copy into a FastAPI service: correlated traces, metrics and logs.

It does not depend on the service that it observes. Start with `kit.py`; `sdk.py` selects the SDK.
`docs/observe-your-own-service.md` shows how to use it.
"""
