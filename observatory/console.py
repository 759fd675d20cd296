"""Messages of the command line, on standard error."""

import typer
from rich.console import Console
from rich.text import Text

ADDRESS = r"https?://[^\s')]+"
_errors = Console(stderr=True)


def say(sentence: str, style: str | None = None) -> None:
    """Print a sentence; brackets in it are no markup, addresses are bold at a terminal."""
    text = Text(sentence)
    text.highlight_regex(ADDRESS, "bold")
    _errors.print(text, style=style, highlight=False, soft_wrap=True)


def refuse(sentence: str) -> typer.Exit:
    """Print why it is not possible; the caller raises what this returns."""
    say(sentence, "red")
    return typer.Exit(1)
