"""Console output of the commands: progress bars, and error messages on standard error."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO, cast

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

errors = Console(stderr=True)
ADDRESS = r"https?://[^\s')]+"


def replace_closed_streams() -> None:
    """Open /dev/null for standard streams that were closed at start.

    Otherwise the next file or socket would get the descriptor of such a stream, and receive what is
    written to it.
    """
    sys.stdin = sys.stdin or _null(0, "r")
    sys.stdout = sys.stdout or _null(1, "w")
    sys.stderr = sys.stderr or _null(2, "w")


def _null(number: int, mode: str) -> TextIO:
    os.dup2(os.open(os.devnull, os.O_RDWR), number)
    return cast("TextIO", os.fdopen(number, mode, closefd=False))


def print_error(sentence: str, style: str | None = None) -> None:
    """Print a line on standard error; square brackets are not markup, URLs are bold."""
    text = Text(sentence)
    text.highlight_regex(ADDRESS, "bold")
    errors.print(text, style=style, highlight=False, soft_wrap=True)


def refuse(sentence: str) -> typer.Exit:
    """Print the reason of a failure; returns the exception to raise (exit status 1)."""
    print_error(sentence, "red")
    return typer.Exit(1)


@contextmanager
def progress_bar(what: str, total: int) -> Iterator[Callable[[int, str], None]]:
    """A progress bar on standard error; call it with the amount done and a remark.

    Without a terminal it prints lines instead, at most one per 5 %.
    """
    if not errors.is_terminal:
        yield _lines(what, total)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[remark]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=errors) as progress:
        task = progress.add_task(what, total=total, remark="")
        yield lambda done, remark: progress.update(task, completed=done, remark=remark)


def _lines(what: str, total: int) -> Callable[[int, str], None]:
    shown = -1

    def on_progress(done: int, remark: str) -> None:
        nonlocal shown
        twentieth = 20 * done // max(total, 1)
        if twentieth != shown:
            shown = twentieth
            print_error(f"{what} {100 * done // max(total, 1)} % {remark}")

    return on_progress
