"""Telemetry of a command, in the same form as the service's."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from app.console import print_error
from app.recommend.stages import StageObserver, Unobserved
from app.settings import TelemetrySettings
from app.telemetry.kit.environment import pending_warnings
from app.telemetry.kit.exporters import Exporters, endpoint_of, otlp
from app.telemetry.kit.sdk import implementation, set_defaults
from app.telemetry.setup import Telemetry, sdk_disabled

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
        set_defaults()
        if not _accepts_connections(address := endpoint_of("traces")):
            print_error(f"No telemetry: nothing listens on {address} (make run starts it).")
            yield Unobserved()
            return
        exporters = otlp(implementation(settings.sdk).protocols)
    for sentence in pending_warnings():
        print_error(sentence, "yellow")
    silent = settings.model_copy(update={"logs": "off"})
    with Telemetry(silent, exporters).command() as stages:
        yield stages


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
