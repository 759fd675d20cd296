"""The recommendation pipeline: request -> query -> candidates -> scores -> ranking -> response.

Start with `pipeline.py`. This package imports no web framework, no database and no OpenTelemetry.
"""
