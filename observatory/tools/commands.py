"""The tools as commands of the shell, made from the same methods."""

import inspect
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from rich.console import Console
from rich.table import Table
from rich.text import Text

from observatory.console import fail
from observatory.tools.client import Client, ToolFailure
from observatory.tools.tools import Tools

MAX_COLUMN = 48
"""Characters of a value in a table."""
Url = Annotated[
    str | None,
    typer.Option(
        help="the page of the observatory to ask [OBSERVATORY_HOST and OBSERVATORY_PAGE_PORT]"
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="print one line of JSON, for programs")]


def add_commands(
    cli: typer.Typer, names: Iterable[str], address: Callable[[str | None], str]
) -> None:
    """Add a command for each tool; `address`: the URL of the page for the option --url."""
    for name in names:
        cli.command(name)(_command(name, address))


def _command(name: str, address: Callable[[str | None], str]) -> Callable[..., None]:
    method = getattr(Tools, name)

    def run(**given: Any) -> None:
        url, as_json = given.pop("url"), given.pop("json")
        try:
            answer = getattr(Tools(Client(address(url))), name)(**given)
        except ToolFailure as error:
            raise fail(str(error)) from error
        if as_json:
            print(answer.model_dump_json())  # noqa: T201
        else:
            _print(answer)

    hints = get_type_hints(method, include_extras=True)
    parameters = [
        parameter.replace(
            annotation=_annotation(hints[parameter.name], parameter),
            kind=inspect.Parameter.KEYWORD_ONLY,
        )
        for parameter in list(inspect.signature(method).parameters.values())[1:]
    ]
    for option, kind, default in (("url", Url, None), ("json", AsJson, False)):
        parameters.append(
            inspect.Parameter(
                option, inspect.Parameter.KEYWORD_ONLY, annotation=kind, default=default
            )
        )
    # Typer reads both.
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {each.name: each.annotation for each in parameters}
    run.__doc__ = method.__doc__
    return run


def _annotation(hint: Any, parameter: inspect.Parameter) -> Any:
    """The annotation of a tool's parameter in the form that Typer reads."""
    kind, *more = get_args(hint) if get_origin(hint) is Annotated else (hint,)
    help_ = next((each.description for each in more if isinstance(each, FieldInfo)), None)
    required = parameter.default is inspect.Parameter.empty
    info: Any = typer.Argument if required else typer.Option
    return Annotated[kind, info(help=help_)]


def _print(answer: BaseModel) -> None:
    """For people: single values as lines, lists of objects as tables."""
    console = Console(soft_wrap=True)
    for name, value in answer.model_dump().items():
        if isinstance(value, list) and value and isinstance(value[0], Mapping):
            console.print(_table(value))
        elif isinstance(value, dict):
            console.print_json(json.dumps(value))
        elif value not in (None, [], False):
            console.print(Text(f"{name}: {_text(value)}"))


def _table(rows: list[Mapping[str, Any]]) -> Table:
    """Columns of single values, without empty ones."""
    names = [
        name
        for name in rows[0]
        if any(row.get(name) not in (None, "", False) for row in rows)
        and not any(isinstance(row.get(name), list | dict) for row in rows)
    ]
    table = Table(*names, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(Text(_text(row.get(name))[:MAX_COLUMN]) for name in names))
    return table


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
