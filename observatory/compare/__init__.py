"""What separates two sets of requests: attributes, pairs of them, stages, dependencies, logs.

Knows SQL over the views of `clickhouse/views` and statistics; neither pages nor the engine.
"""
