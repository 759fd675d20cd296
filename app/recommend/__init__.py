"""The heart: request -> query -> candidates -> scores -> ranking -> response.

Start with `pipeline.py`. Nothing in here imports a web framework, a database or OpenTelemetry.
"""
