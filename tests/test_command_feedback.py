"""The command `feedback`, on a journal as the service writes it."""

import json
from contextlib import closing
from pathlib import Path

import pytest

from app.catalogue import feedback_journal
from app.catalogue.database import Database
from app.catalogue.feedback_journal import Feedback, Journal, Kind, Served
from app.model.click_model import FEWEST_LIKES
from tests.test_cli import vitrine

DOCUMENTS = ("staling", "tide", "sqlite")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two versions show the same documents at different ranks."""
    schema = feedback_journal.SCHEMA, feedback_journal.SCHEMA_VERSION
    with (
        closing(Database(tmp_path / "journal.db", *schema)) as database,
        closing(Journal(database, 1_000, lambda: "2026-01-01T00:00:00Z")) as journal,
    ):
        for number in range(2 * FEWEST_LIKES):
            shown = DOCUMENTS if number % 2 else (*DOCUMENTS[1:], DOCUMENTS[0])
            name = f"{number:032x}"
            journal.record(Served(name, "fusion", str(number % 2), (), shown, query="bread"))
            for document in DOCUMENTS[:2] if number % 4 < 2 else DOCUMENTS[1:]:
                journal.add_feedback(Feedback(name, document, Kind.CLICK))
    return tmp_path


def test_both_versions_and_the_ranks_are_shown(data: Path) -> None:
    done = vitrine(data, "feedback")
    assert done.exit_code == 0, done.stderr
    for expected in ("fusion 0", "fusion 1", "quality@5", "1.000 (1.000-1.000)", "80 used"):
        assert expected in done.stdout
    report = json.loads(vitrine(data, "feedback", "--json").stdout)
    assert [each["recommendations"] for each in report["versions"]] == [20, 20]
    assert all(0 < each["quality"]["value"] <= 1.2 for each in report["versions"])


def test_without_feedback_it_says_what_is_missing(tmp_path: Path, data: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = vitrine(tmp_path / "empty", "feedback")
    assert done.exit_code == 1
    assert "there is no feedback yet" in done.stderr
    both = vitrine(data, "train", "--feedback", "--judgements", str(data / "journal.db"))
    assert (both.exit_code, "choose one" in both.stderr) == (1, True)
