"""Journals to open, and looking into their files."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from app.catalogue.feedback_journal import Journal, Served

OpenJournal = Callable[..., Journal]
"""Opens the test's journal; `capacity`: how many recommendations it retains."""
RECOMMENDATIONS = "SELECT id FROM recommendations ORDER BY sequence"


def served(number: int = 1) -> Served:
    """A recommendation of two documents."""
    return Served(f"r{number}", "fusion", "1", ("topic_signal",), ("bread", "tide"))


def stored(path: Path, query: str = RECOMMENDATIONS) -> list[str]:
    """The rows of a query, as text."""
    with closing(sqlite3.connect(path)) as connection:
        return [" ".join(map(str, row)) for row in connection.execute(query)]


def feedback(path: Path) -> list[str]:
    """All feedback, as text."""
    return stored(path, "SELECT recommendation, document, kind, rank, dwell_ms FROM feedback")


def break_disk(path: Path) -> None:
    """From now on no recommendation can be written."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "CREATE TRIGGER broken BEFORE INSERT ON recommendations "
            "BEGIN SELECT RAISE(ABORT, 'the disk is broken'); END"
        )


def repair_disk(path: Path) -> None:
    """Recommendations can be written again."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TRIGGER broken")
