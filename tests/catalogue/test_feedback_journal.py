"""Feedback is stored durably and once, and only for what was recommended."""

from pathlib import Path

import pytest

from app.catalogue.feedback_journal import (
    Feedback,
    Kind,
    NotRecommended,
    Served,
    UnknownRecommendation,
)
from tests.catalogue.journals import OpenJournal, feedback, served, stored


def test_feedback_says_where_the_document_ranked(open_journal: OpenJournal, path: Path) -> None:
    book = open_journal()
    book.record(served())
    noted = book.add_feedback(Feedback("r1", "tide", Kind.CLICK))
    assert (noted.rank, noted.repeated, noted.served) == (2, False, served())
    assert feedback(path) == ["r1 tide click 2 None"]


def test_the_same_again_changes_nothing(open_journal: OpenJournal, path: Path) -> None:
    book = open_journal()
    book.record(served())
    given = [book.add_feedback(Feedback("r1", "bread", Kind.THUMBS_UP)) for _ in range(3)]
    assert [noted.repeated for noted in given] == [False, True, True]
    assert {noted.rank for noted in given} == {1}
    assert feedback(path) == ["r1 bread thumbs_up 1 None"]
    assert stored(path, "SELECT received_at FROM feedback") == ["time 2"]


def test_kinds_and_documents_stand_beside_each_other(open_journal: OpenJournal, path: Path) -> None:
    book = open_journal()
    book.record(served(1))
    book.record(served(2))
    for number, document, kind in [
        (1, "bread", Kind.CLICK), (1, "tide", Kind.CLICK), (2, "bread", Kind.CLICK),
        (1, "bread", Kind.DISMISS), (1, "bread", Kind.CLICK),
    ]:  # fmt: skip
        book.add_feedback(Feedback(f"r{number}", document, kind))
    counts = "SELECT kind, count(*) FROM feedback GROUP BY kind ORDER BY kind"
    assert stored(path, counts) == ["click 3", "dismiss 1"]


@pytest.mark.parametrize(
    ("read_rejects", "kept"), [([500, 900], 900), ([900, 500], 900), ([0, 1], 1), ([700, 700], 700)]
)
def test_the_longest_dwell_stays(
    open_journal: OpenJournal, path: Path, read_rejects: list[int], kept: int
) -> None:
    book = open_journal()
    book.record(served())
    for dwell_ms in read_rejects:
        book.add_feedback(Feedback("r1", "bread", Kind.DWELL, dwell_ms))
    assert feedback(path) == [f"r1 bread dwell 1 {kept}"]


def test_what_was_never_recommended_gets_no_feedback(open_journal: OpenJournal, path: Path) -> None:
    book = open_journal()
    book.record(served())
    with pytest.raises(UnknownRecommendation, match="r2"):
        book.add_feedback(Feedback("r2", "bread", Kind.CLICK))
    with pytest.raises(NotRecommended, match="sqlite"):
        book.add_feedback(Feedback("r1", "sqlite", Kind.CLICK))
    with pytest.raises(NotRecommended):
        book.add_feedback(Feedback("r1", "bre", Kind.CLICK))
    assert feedback(path) == []
    book.add_feedback(Feedback("r1", "bread", Kind.CLICK))


def test_a_recommendation_of_nothing(open_journal: OpenJournal) -> None:
    book = open_journal()
    book.record(Served("empty", "fusion", "1", (), ()))
    with pytest.raises(NotRecommended):
        book.add_feedback(Feedback("empty", "", Kind.CLICK))
