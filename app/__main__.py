"""`python -m app`."""

from app.console import keep_streams
from app.telemetry.kit.environment import check_process

keep_streams()
check_process()  # what follows imports OpenTelemetry, which raises for some values of its variables

from app.cli import cli  # noqa: E402 - its consoles take the streams as they are

cli()
