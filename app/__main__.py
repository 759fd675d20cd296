"""`python -m app`."""

from app.console import keep_streams

keep_streams()

from app.cli import cli  # noqa: E402 - its consoles take the streams as they are

cli()
