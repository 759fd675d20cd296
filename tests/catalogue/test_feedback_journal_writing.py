"""Recommendations are noted without waiting, written soon, and not lost when that fails."""

import logging
import sqlite3
from pathlib import Path

import pytest

from app.catalogue import feedback_journal
from app.catalogue.feedback_journal import Feedback, Kind, UnknownRecommendation
from tests.catalogue.journals import (
    OpenJournal,
    break_disk,
    feedback,
    repair_disk,
    served,
    stored,
)
from tests.waiting import until


def test_recommendations_are_written_soon(open_journal: OpenJournal, path: Path) -> None:
    book = open_journal()
    book.record(served(1))
    book.record(served(2))
    until(lambda: stored(path) == ["r1", "r2"])


@pytest.mark.usefixtures("no_automatic_flush")
def test_closing_writes_what_is_left(open_journal: OpenJournal, path: Path) -> None:
    book = open_journal()
    book.record(served(7))
    assert stored(path) == []
    book.close()
    assert stored(path) == ["r7"]
    assert open_journal().add_feedback(Feedback("r7", "tide", Kind.CLICK)).served == served(7)


def test_another_process_takes_feedback_on_what_was_written(open_journal: OpenJournal) -> None:
    mine, other = open_journal(), open_journal()
    mine.record(served())
    mine.flush()
    assert other.add_feedback(Feedback("r1", "tide", Kind.CLICK)).served == served()


@pytest.mark.usefixtures("no_automatic_flush")
def test_only_the_last_ones_are_remembered_but_all_feedback_is(
    open_journal: OpenJournal, path: Path
) -> None:
    book = open_journal(capacity=3)
    book.record(served(0))
    book.add_feedback(Feedback("r0", "tide", Kind.CLICK))
    for number in range(1, 6):
        book.record(served(number))
    book.flush()
    assert stored(path) == ["r3", "r4", "r5"]
    assert feedback(path) == ["r0 tide click 2 None"]
    with pytest.raises(UnknownRecommendation):
        book.add_feedback(Feedback("r2", "tide", Kind.CLICK))


@pytest.mark.usefixtures("no_automatic_flush")
def test_the_same_recommendation_is_noted_once(open_journal: OpenJournal, path: Path) -> None:
    book = open_journal()
    for _ in range(2):
        book.record(served())
        book.record(served())
        book.flush()
    book.flush()
    assert stored(path) == ["r1"]


@pytest.mark.usefixtures("no_automatic_flush")
def test_when_too_much_is_pending_the_oldest_goes(
    open_journal: OpenJournal, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feedback_journal, "PENDING", 3)
    book = open_journal()
    for number in range(5):
        book.record(served(number))
    assert book.dropped == 2
    book.flush()
    assert stored(path) == ["r2", "r3", "r4"]


@pytest.mark.usefixtures("no_automatic_flush")
def test_what_could_not_be_written_stays_noted(open_journal: OpenJournal, path: Path) -> None:
    book = open_journal()
    break_disk(path)
    book.record(served(1))
    with pytest.raises(sqlite3.IntegrityError, match="the disk is broken"):
        book.flush()
    with pytest.raises(sqlite3.IntegrityError):
        book.add_feedback(Feedback("r1", "bread", Kind.CLICK))
    repair_disk(path)
    book.record(served(2))
    assert book.add_feedback(Feedback("r1", "bread", Kind.CLICK)).rank == 1
    assert stored(path) == ["r1", "r2"]


def test_a_failure_in_the_background_is_logged_and_tried_again(
    open_journal: OpenJournal, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    book = open_journal()
    break_disk(path)
    with caplog.at_level(logging.ERROR):
        book.record(served())
        until(lambda: "could not be written to the journal" in caplog.text)
    repair_disk(path)
    until(lambda: stored(path) == ["r1"])
