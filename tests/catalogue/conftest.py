"""A journal in a temporary file."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from app.catalogue import feedback_journal
from app.catalogue.database import Database
from app.catalogue.feedback_journal import Journal
from tests.catalogue.journals import OpenJournal


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The journal's file."""
    return tmp_path / "journal.db"


@pytest.fixture
def open_journal(path: Path) -> Iterator[OpenJournal]:
    """Opens the journal; again after closing, or twice at the same time. Its clock counts."""
    opened: list[tuple[Journal, Database]] = []

    def opener(capacity: int = 1000) -> Journal:
        database = Database(path, feedback_journal.SCHEMA, feedback_journal.SCHEMA_VERSION)
        ticks = count(1)
        opened.append((Journal(database, capacity, lambda: f"time {next(ticks)}"), database))
        return opened[-1][0]

    yield opener
    for each, database in opened:
        each.close()
        database.close()


@pytest.fixture
def no_automatic_flush(monkeypatch: pytest.MonkeyPatch) -> None:
    """The journal does not write by itself."""
    monkeypatch.setattr(feedback_journal, "FLUSH_SECONDS", 3600)
