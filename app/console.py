"""What the command line says: progress on long work, one clear sentence on failure."""

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


def keep_streams() -> None:
    """Give standard input, output and error that were closed at the start to /dev/null.

    The next file or socket would get the number of such a stream, and what is written to it.
    """
    sys.stdin = sys.stdin or _null(0, "r")
    sys.stdout = sys.stdout or _null(1, "w")
    sys.stderr = sys.stderr or _null(2, "w")


def _null(number: int, mode: str) -> TextIO:
    os.dup2(os.open(os.devnull, os.O_RDWR), number)
    return cast("TextIO", os.fdopen(number, mode, closefd=False))


def told(sentence: str, style: str | None = None) -> None:
    """Print a sentence on standard error; brackets in it are no markup.

    Addresses are shown bold at a terminal.
    """
    text = Text(sentence)
    text.highlight_regex(ADDRESS, "bold")
    errors.print(text, style=style, highlight=False, soft_wrap=True)


def refuse(sentence: str) -> typer.Exit:
    """Say why it can't be done; raise what this returns."""
    told(sentence, "red")
    return typer.Exit(1)


@contextmanager
def counting(what: str, total: int) -> Iterator[Callable[[int, str], None]]:
    """A progress bar on standard error; call it with how far the work is and a remark.

    Without a terminal each call prints a line instead, at most one for every twentieth.
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

    def heard(done: int, remark: str) -> None:
        nonlocal shown
        twentieth = 20 * done // max(total, 1)
        if twentieth != shown:
            shown = twentieth
            told(f"{what} {100 * done // max(total, 1)} % {remark}")

    return heard
