"""A telemetry backend without containers.

One process that runs next to the service: an OTLP receiver, an embedded ClickHouse as the store,
ClickHouse's HTTP interface, and pages that show traces, logs and charts. The service depends on
none of this: it knows an OTLP endpoint only.
"""
