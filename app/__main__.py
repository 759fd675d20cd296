"""Entry point of `python -m app`."""

from app.console import replace_closed_streams
from app.telemetry.kit.environment import check_process

replace_closed_streams()
check_process()  # before OpenTelemetry is imported: it raises for some values of its variables

from app.cli import cli  # noqa: E402 - its consoles hold on to the standard streams

cli()
