"""What is read from the journal: delayed, repeated and contradictory feedback; queries' hashes."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from app.catalogue import feedback_journal
from app.catalogue.database import Database
from app.catalogue.feedback_journal import Feedback, Journal, Kind, Served
from app.catalogue.feedback_log import FeedbackLog, RowOutcome, read_feedback
from app.recommend.types import ModelCard

WINDOW, END = 60, 1_767_225_600 + 3_600
"""The recommendations are of 2026-01-01 00:00 UTC; they are read an hour later."""


def at(second: int) -> str:
    return f"2026-01-01T00:{second // 60:02}:{second % 60:02}Z"


class Clock:
    second = 0

    def __call__(self) -> str:
        return at(self.second)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture
def database(path: Path) -> Iterator[Database]:
    database = Database(path, feedback_journal.SCHEMA, feedback_journal.SCHEMA_VERSION)
    with closing(database):
        yield database


def served(number: int, query: str = "bread", version: str = "1") -> Served:
    return Served(f"r{number}", "fusion", version, (), ("staling", "tide"), query=query)


def read(database: Database, given: list[tuple[Kind, int]], clock: Clock) -> FeedbackLog:
    """One recommendation whose second result gets feedback, each at its time."""
    with closing(Journal(database, 10, clock)) as journal:
        journal.record(served(1))
        for kind, second in given:
            clock.second = second
            journal.add_feedback(Feedback("r1", "tide", kind, 9 if kind is Kind.DWELL else None))
    return read_feedback(database, WINDOW, END)


CLICK, DWELL, UP, DOWN = Kind.CLICK, Kind.DWELL, Kind.THUMBS_UP, Kind.THUMBS_DOWN


@pytest.mark.parametrize(
    ("given", "liked", "rows"),
    [
        ([], False, {}),
        ([(CLICK, 60)], True, {"used": 1}),
        ([(CLICK, 61)], False, {"late": 1}),
        ([(CLICK, 5), (CLICK, 9), (CLICK, 70)], True, {"used": 1}),
        ([(DWELL, 5), (UP, 9)], True, {"used": 2}),
        ([(CLICK, 5), (DOWN, 9)], False, {"used": 2}),
        ([(Kind.DISMISS, 5)], False, {"used": 1}),
        ([(UP, 5), (DOWN, 9)], False, {"contradictory": 2}),
        ([(UP, 5), (DOWN, 90)], True, {"used": 1, "late": 1}),
    ],
)
def test_feedback_counts_once_and_in_time(
    database: Database,
    clock: Clock,
    given: list[tuple[Kind, int]],
    liked: bool,
    rows: dict[str, int],
) -> None:
    log = read(database, given, clock)
    assert log.liked.tolist() == [False, liked]
    assert log.rows == rows
    assert log.repeats == len(given) - sum(rows.values())
    assert log.contradicted.any() == ("contradictory" in rows)


def test_recommendations_whose_window_is_open_do_not_count(
    database: Database, clock: Clock
) -> None:
    with closing(Journal(database, 10, clock)) as journal:
        journal.record(served(1))
        journal.record(served(2, query=""))
        for name in ("r1", "r2"):
            journal.add_feedback(Feedback(name, "tide", CLICK))
    log = read_feedback(database, WINDOW, END - 3_600 + WINDOW - 1)
    assert (len(log.model), log.pending) == (0, 1)
    assert log.rows == {RowOutcome.PENDING: 1, RowOutcome.NO_QUERY: 1}


def test_results_of_the_same_query_are_recognised_but_not_its_text(
    database: Database, clock: Clock, path: Path
) -> None:
    with closing(Journal(database, 10, clock)) as journal:
        for number, (query, version) in enumerate(
            [("stale bread", "1"), ("Stale Bread", "2"), ("tides", "2")]
        ):
            journal.record(served(number, query, version))
    log = read_feedback(database, WINDOW, END)
    assert log.models == (ModelCard("fusion", "1"), ModelCard("fusion", "2"))
    assert log.model.tolist() == [0, 1, 1]
    assert log.pair.tolist() == [0, 1, 0, 1, 2, 3]
    assert log.rank.tolist() == [0, 1] * 3
    assert log.documents == ("staling", "tide") * 2
    assert log.texts == {}
    assert read_feedback(database, WINDOW, END, most=1).models == log.models[1:]
    with closing(Journal(database, 10, clock, queries=True)) as journal:
        journal.record(served(4, "stale bread"))
        assert b"stale" not in path.read_bytes()
    found = read_feedback(database, WINDOW, END)
    assert found.texts == {log.queries[0]: "stale bread"}


VERSION_2 = """
CREATE TABLE recommendations (sequence INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
  model TEXT NOT NULL, version TEXT NOT NULL, degraded TEXT NOT NULL, documents TEXT NOT NULL,
  served_at TEXT NOT NULL, trace TEXT NOT NULL DEFAULT '') STRICT;
CREATE TABLE feedback (recommendation TEXT NOT NULL, document TEXT NOT NULL, kind TEXT NOT NULL,
  rank INTEGER NOT NULL, dwell_ms INTEGER, received_at TEXT NOT NULL,
  PRIMARY KEY (recommendation, document, kind)) STRICT, WITHOUT ROWID;
INSERT INTO recommendations VALUES (1, 'r0', 'fusion', '1', '', 'tide', '2026-01-01T00:00:00Z', '');
INSERT INTO feedback VALUES ('r0', 'tide', 'click', 1, NULL, '2026-01-01T00:00:01Z');
PRAGMA user_version = 2;
"""


def test_a_journal_of_an_older_version_is_migrated(path: Path, clock: Clock) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(VERSION_2)
    with closing(Database(path, feedback_journal.SCHEMA, 3)) as database:
        log = read(database, [(CLICK, 5)], clock)
    assert log.rows == {RowOutcome.NO_QUERY: 1, RowOutcome.USED: 1}
