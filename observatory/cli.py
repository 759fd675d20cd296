"""The command line of the observatory."""

import os
from typing import Annotated

import typer
from pydantic import SecretStr, ValidationError
from pydantic.fields import FieldInfo

from observatory.console import fail, print_message
from observatory.settings import PREFIX, ObservatorySettings
from observatory.supervision.supervisor import run_with_observatory

HEAD = """# Settings of the observatory

Every setting is an environment variable, checked at start. This table is generated
(`make docs`); `make check` fails when it is stale.

| variable | default | meaning |
|---|---|---|
"""
cli = typer.Typer(
    help="The observatory: telemetry without containers.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)


def settings() -> ObservatorySettings:
    """The settings; prints a message for each invalid one and exits."""
    known = {PREFIX + name.upper() for name in ObservatorySettings.model_fields}
    if unknown := sorted(
        name for name in os.environ if name.startswith(PREFIX) and name not in known
    ):
        raise fail(f"Unknown setting: {', '.join(unknown)}; see docs/observatory.md.")
    try:
        return ObservatorySettings()
    except ValidationError as error:
        for each in error.errors(include_url=False, include_input=False):
            print_message(f"{PREFIX}{'_'.join(map(str, each['loc'])).upper()}: {each['msg']}")
        raise fail("Invalid settings; see docs/observatory.md.") from error


@cli.command("serve")
def serve_(
    supervised: Annotated[bool, typer.Option("--beside", hidden=True)] = False,
) -> None:
    """Run the observatory until it is interrupted."""
    # Imports the engine (slow), which the other commands do not need.
    from observatory.server import start  # noqa: PLC0415

    start(settings(), supervised)


@cli.command("settings")
def settings_() -> None:
    """Print the table of settings (docs/observatory.md)."""
    print(HEAD + "".join(map(_row, ObservatorySettings.model_fields.items())), end="")  # noqa: T201


def _row(setting: tuple[str, FieldInfo]) -> str:
    name, field = setting
    secret = isinstance(field.default, SecretStr)
    default = "" if secret or field.default in (None, "") else f"`{field.default}`"
    return f"| `{PREFIX}{name.upper()}` | {default} | {field.description} |\n"


@cli.command("beside", context_settings={"ignore_unknown_options": True})
def beside_(
    command: Annotated[list[str], typer.Argument(help="command to run")],
    collector: Annotated[
        str | None,
        typer.Option(
            help="path of a Collector binary to put between the command and the observatory"
        ),
    ] = None,
    run: Annotated[
        str | None, typer.Option(help="name of this run, for `export` [run- and the time]")
    ] = None,
) -> None:
    """Run a command and, until it ends, an observatory that receives its telemetry.

    What dies is restarted, five times in five minutes at most.
    """
    settings()
    raise typer.Exit(run_with_observatory(command, collector, run))
