"""Messages of the command line, on standard error."""

import typer
from rich.console import Console
from rich.text import Text

ADDRESS = r"https?://[^\s')]+"
_errors = Console(stderr=True)


def print_message(sentence: str, style: str | None = None) -> None:
    """Print a message without interpreting markup; URLs are bold on a terminal."""
    text = Text(sentence)
    text.highlight_regex(ADDRESS, "bold")
    _errors.print(text, style=style, highlight=False, soft_wrap=True)


def fail(sentence: str) -> typer.Exit:
    """Print an error message; returns the exit (status 1) for the caller to raise."""
    print_message(sentence, "red")
    return typer.Exit(1)
