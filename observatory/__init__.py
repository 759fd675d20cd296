"""Where telemetry lands and can be looked at, without containers.

One process beside the service: OTLP in, an embedded ClickHouse to keep it, ClickHouse's own HTTP
interface and a page to look at it. The service knows none of this, only an OTLP endpoint.
"""
