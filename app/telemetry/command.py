"""Telemetry of a command, in the same form as the service's.

If TRACEPARENT is set, the command's spans continue that trace: a scheduler (Airflow, Kubeflow,
make) hands it on to each step.
"""

import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urlsplit

from opentelemetry import context
from opentelemetry.context import Context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from app.console import print_error
from app.recommend.stages import StageObserver, Unobserved
from app.settings import TelemetrySettings
from app.telemetry.kit.environment import pending_warnings, sdk_disabled
from app.telemetry.kit.exporters import Exporters, endpoint_of
from app.telemetry.kit.sdk import otlp_exporters
from app.telemetry.setup import Telemetry

PROBE_SECONDS = 1.0


@contextmanager
def observed_command(
    settings: TelemetrySettings, exporters: Exporters | None = None
) -> Iterator[StageObserver]:
    """The observer for the stages of a command; everything is sent at the end of the block.

    Without a collector the command works the same, and one line on standard error says so.
    """
    if not settings.enabled or sdk_disabled():
        yield Unobserved()
        return
    if exporters is None:
        if not _accepts_connections(address := endpoint_of("traces")):
            print_error(f"No telemetry: nothing listens on {address} (make run starts it).")
            yield Unobserved()
            return
        exporters = otlp_exporters(settings)
    for sentence in pending_warnings():
        print_error(sentence, "yellow")
    silent = settings.model_copy(update={"logs": "off"})
    with Telemetry(silent, exporters).command() as stages:
        token = context.attach(parent_context(os.environ))
        try:
            yield stages
        finally:
            context.detach(token)


def parent_context(environment: Mapping[str, str]) -> Context:
    """The context of the process that started this one: TRACEPARENT and TRACESTATE, as the
    specification of environment variables as carriers has them; empty without them."""
    names = ("traceparent", "tracestate")
    carrier = {name: environment.get(name.upper(), "") for name in names}
    return TraceContextTextMapPropagator().extract(carrier, context=Context())


def _accepts_connections(address: str) -> bool:
    """Whether the collector is there: without one, the end of the command would wait for it."""
    parts = urlsplit(address if "://" in address else f"//{address}")
    try:
        with socket.create_connection(
            (parts.hostname or "localhost", parts.port or 443), PROBE_SECONDS
        ):
            return True
    except OSError:
        return False
