"""The command line of the observatory."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from pydantic import SecretStr, ValidationError
from pydantic.fields import FieldInfo

from observatory.console import fail, print_message
from observatory.settings import PREFIX, ObservatorySettings
from observatory.supervision.supervisor import run_with_observatory
from observatory.tools.commands import add_commands

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


@cli.command("compare")
def compare_(
    requests: Annotated[
        str, typer.Argument(help="filter of the requests, as in the address of the page")
    ],
    others: Annotated[
        str, typer.Argument(help="filter of the others; without it: all others in the window")
    ] = "",
    clickhouse: Annotated[
        str, typer.Option(help="URL of ClickHouse's HTTP interface; by default the observatory's")
    ] = "",
    json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Print what separates two sets of requests, such as "status=error&last=3600"."""
    # Imports scipy (slow), which the other commands do not need.
    from observatory.compare.command import print_comparison  # noqa: PLC0415

    print_comparison(settings(), requests, others, clickhouse, json)


@cli.command("diagnose")
def diagnose_(
    since: Annotated[str, typer.Option(help="length of the bad time: 90s, 10m, 2h")] = "10m",
    baseline: Annotated[
        str, typer.Option(help="length of the time before it that it is compared with")
    ] = "1h",
    until: Annotated[str, typer.Option(help="how long ago the bad time ended [now]")] = "",
    service: Annotated[str, typer.Option(help="service.name [any]")] = "",
    clickhouse: Annotated[
        str, typer.Option(help="URL of ClickHouse's HTTP interface; by default the observatory's")
    ] = "",
    json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Print what broke: ranked causes with their evidence, or that nothing is unusual."""
    # Imports scipy (slow), which the other commands do not need.
    from observatory.diagnose.command import print_diagnosis  # noqa: PLC0415

    print_diagnosis(settings(), since, baseline, until, service, clickhouse, json)


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


URL = typer.Option(
    help="the page of the observatory to ask [OBSERVATORY_HOST and OBSERVATORY_PAGE_PORT]"
)


def page_url(settings: ObservatorySettings, url: str | None) -> str:
    """The URL of an observatory's page, without a slash at the end."""
    return (url or f"http://{settings.host}:{settings.page_port}").rstrip("/")


@cli.command("runs")
def runs_(url: Annotated[str | None, URL] = None) -> None:
    """List the stored runs of `make run`, newest first: name, start and end."""
    from observatory.runs.commands import list_runs  # noqa: PLC0415

    chosen = settings()
    for run in list_runs(chosen, page_url(chosen, url)):
        times = (
            datetime.fromtimestamp(int(run[each]) / 1e9, UTC).astimezone().isoformat(" ", "seconds")
            for each in ("start", "end")
        )
        print(f"{run['name']}\t{chr(9).join(times)}")  # noqa: T201


@cli.command("export")
def export_(
    words: Annotated[
        list[str], typer.Argument(metavar="[NAME] FILE", help="run, and file to write")
    ],
    since: Annotated[
        str | None,
        typer.Option(help="instead of NAME: 30m, 2h, or a time as 2026-11-30T14:00"),
    ] = None,
    until: Annotated[str | None, typer.Option(help="end, with --since [now]")] = None,
    url: Annotated[str | None, URL] = None,
) -> None:
    """Export a run, or a range of time, to one file for `open`."""
    from observatory.runs.commands import export_run, parse_time, print_exported  # noqa: PLC0415

    if len(words) != (1 if since else 2) or (until and not since):
        raise fail(
            "Give NAME FILE, or --since TIME FILE; `python -m observatory runs` lists names."
        )
    now = datetime.now(UTC)
    parameters = {"run": words[0]}
    if since:
        times = {"from": since, "to": until or "0s"}
        parameters = {name: str(parse_time(text, now)) for name, text in times.items()}
    chosen, file = settings(), Path(words[-1])
    print_exported(export_run(chosen, page_url(chosen, url), parameters, file), file)


@cli.command("open")
def open_(
    file: Annotated[Path, typer.Argument(help="an exported run")],
    port: Annotated[int, typer.Option(help="port of the page; 0 takes a free one")] = 0,
) -> None:
    """Show an exported run, read-only, beside whatever else runs; Ctrl-C closes it."""
    from observatory.runs.opened_run import open_run  # noqa: PLC0415

    open_run(file, settings(), port)


@cli.command("mcp")
def mcp_(url: Annotated[str | None, URL] = None) -> None:
    """Answer an assistant's questions (Model Context Protocol, standard input and output)."""
    from observatory.tools.mcp_server import serve_mcp  # noqa: PLC0415

    serve_mcp(page_url(settings(), url))


add_commands(
    cli,
    ("traces", "trace", "logs", "sql", "health"),  # `compare` prints sentences, above
    lambda url: page_url(settings(), url),
)
