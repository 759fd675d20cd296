"""Importing files and folders: counts, rejects, and repetition."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from app.catalogue import importer
from app.catalogue.importer import Summary, import_path, outcomes, rows_of, size
from app.catalogue.importers.row import Unreadable
from app.catalogue.store import Catalogue, Written
from app.recommend.types import Document
from tests.catalogue.index_inspection import index_of, search
from tests.opening import OpenCatalogue


@pytest.fixture
def catalogue(open_catalogue: OpenCatalogue) -> Catalogue:
    return open_catalogue()


@pytest.fixture
def rejects(tmp_path: Path) -> Path:
    return tmp_path / "rejects.jsonl"


def counts(summary: Summary) -> tuple[int, int, int, int]:
    return summary.created, summary.updated, summary.unchanged, summary.rejected


def line(number: int, text: str = "Some text.") -> str:
    return json.dumps({"id": f"d{number}", "title": "Title", "text": text}) + "\n"


def read_rejects(rejects: Path) -> list[dict[str, Any]]:
    return [json.loads(row) for row in rejects.read_text("utf-8").splitlines()]


def test_again_changes_nothing(catalogue: Catalogue, tmp_path: Path, rejects: Path) -> None:
    source = tmp_path / "some.jsonl"
    source.write_text("".join(map(line, range(5))))
    assert counts(import_path(catalogue, source, rejects)) == (5, 0, 0, 0)
    before = list(catalogue)
    assert counts(import_path(catalogue, source, rejects)) == (0, 0, 5, 0)
    assert list(catalogue) == before
    source.write_text("".join([line(0), line(1, "Other text."), line(7)]))
    summary = import_path(catalogue, source, rejects)
    assert counts(summary) == (1, 1, 1, 0)
    assert summary.stored == 3
    assert summary.rejects is None
    assert not rejects.exists()
    assert len(catalogue) == 6


def test_bad_rows_are_written_down_and_the_rest_goes_in(
    catalogue: Catalogue, tmp_path: Path, rejects: Path
) -> None:
    source = tmp_path / "some.jsonl"
    source.write_bytes(line(1).encode() + b"\n{}\n" + line(2).encode() + b'{"id": 1}\nlast')
    summary = import_path(catalogue, source, rejects)
    assert counts(summary) == (2, 0, 0, 3)
    assert summary.rejects == rejects
    assert [(row["line"], row["raw"].strip()) for row in read_rejects(rejects)] == [
        (3, "{}"),
        (5, '{"id": 1}'),
        (6, "last"),
    ]
    assert "id is missing" in read_rejects(rejects)[0]["reason"]
    source.write_text(line(1))
    import_path(catalogue, source, rejects)
    assert not rejects.exists()  # it belongs to the last import


def test_progress_is_reported_after_each_batch(
    catalogue: Catalogue, tmp_path: Path, rejects: Path
) -> None:
    source = tmp_path / "some.jsonl"
    source.write_text("".join(map(line, range(2 * importer.BATCH + 1))))
    heard: list[tuple[int, int, int]] = []

    def hear(position: int, summary: Summary) -> None:
        heard.append((position, summary.stored, len(catalogue)))

    import_path(catalogue, source, rejects, hear)
    stored = [importer.BATCH, 2 * importer.BATCH, 2 * importer.BATCH + 1]
    assert [(count, there) for _, count, there in heard] == [(each, each) for each in stored]
    assert heard[-1][0] == size(source)


def test_what_came_in_is_found(catalogue: Catalogue, tmp_path: Path, rejects: Path) -> None:
    source = tmp_path / "some.csv"
    source.write_text("id,title,text\ntide,Tide,The moon.\nbread,Bread,Flour and water.\n")
    assert counts(import_path(catalogue, source, rejects)) == (2, 0, 0, 0)
    assert search(index_of(catalogue), "flour")[0] == "bread"


def test_a_folder(catalogue: Catalogue, tmp_path: Path, rejects: Path) -> None:
    folder = tmp_path / "notes"
    (folder / "cooking").mkdir(parents=True)
    (folder / "cooking" / "bread.md").write_text("# Bread\n\nFlour and water.")
    (folder / "empty.md").write_text("")
    (folder / "note.txt").write_text("Not this one.")
    assert size(folder) == 2
    assert counts(import_path(catalogue, folder, rejects)) == (1, 0, 0, 1)
    found = catalogue.get("cooking.bread")
    assert found is not None
    assert (found.title, found.category) == ("Bread", "cooking")
    assert [(row["line"], row["reason"].split(":")[0]) for row in read_rejects(rejects)] == [
        (2, "text")
    ]


def test_the_file_of_rejects_is_not_one_that_has_something_else(
    catalogue: Catalogue, tmp_path: Path, rejects: Path
) -> None:
    source = tmp_path / "some.jsonl"
    source.write_text(line(1))
    rejects.write_text("precious")
    for each in (source, rejects):
        with pytest.raises(Unreadable, match="name another with --rejects"):
            import_path(catalogue, source, each)
    assert (source.read_text(), rejects.read_text()) == (line(1), "precious")
    assert len(catalogue) == 0


@pytest.mark.parametrize("name", ["some.txt", "some", "some.gz", "some.db"])
def test_other_files_are_unreadable(
    catalogue: Catalogue, tmp_path: Path, rejects: Path, name: str
) -> None:
    (tmp_path / name).write_text(line(1))
    with pytest.raises(
        Unreadable, match=r"name must end in .jsonl, .ndjson, .json, .csv.*or import a folder"
    ):
        import_path(catalogue, tmp_path / name, rejects)
    assert len(catalogue) == 0


def test_a_csv_file_without_a_column_writes_nothing(
    catalogue: Catalogue, tmp_path: Path, rejects: Path
) -> None:
    source = tmp_path / "some.CSV"
    source.write_text("id,title\nbread,Bread\n")
    with pytest.raises(Unreadable, match="no column text"):
        import_path(catalogue, source, rejects)
    assert len(catalogue) == 0


def test_nothing_in_an_empty_file(catalogue: Catalogue, tmp_path: Path, rejects: Path) -> None:
    source = tmp_path / "some.ndjson"
    source.write_bytes(b"\n\n")
    assert counts(import_path(catalogue, source, rejects)) == (0, 0, 0, 0)


def test_rejects_that_cannot_be_written_stop_nothing(catalogue: Catalogue, tmp_path: Path) -> None:
    source, taken = tmp_path / "some.jsonl", tmp_path / "taken"
    source.write_text("{}\n" + line(1) + "{}\n")
    taken.mkdir()
    elsewhere = tmp_path / "data" / "rejects.jsonl"
    summary = import_path(catalogue, source, taken, elsewhere=elsewhere)
    assert (counts(summary), summary.rejects) == ((1, 0, 0, 2), elsewhere)
    assert [row["line"] for row in read_rejects(elsewhere)] == [1, 3]
    summary = import_path(catalogue, source, taken)
    assert (counts(summary), summary.rejects) == ((0, 0, 1, 2), None)
    assert summary.rejects_failure is not None


def test_long_rows_make_smaller_batches(
    catalogue: Catalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importer, "BATCH_CHARACTERS", 1000)
    source = tmp_path / "some.jsonl"
    source.write_text("".join(line(number, "x" * 400) for number in range(7)))
    batches = outcomes(catalogue, rows_of(source, Counter()))
    assert [len(batch) for batch in batches] == [3, 3, 1]


def test_each_batch_is_durable_before_its_outcomes_are_sent(
    catalogue: Catalogue, tmp_path: Path, open_catalogue: OpenCatalogue
) -> None:
    source = tmp_path / "some.jsonl"
    source.write_text("".join(map(line, range(4))) + "bad\n" + line(0) + line(0, "New."))
    other, told_so_far = open_catalogue(), 0
    results: list[Written | None] = []
    for part in outcomes(catalogue, rows_of(source, Counter()), 2):
        told_so_far += sum(isinstance(row.document, Document) for row, _ in part)
        results += [written for _, written in part]
        assert len(other) == min(told_so_far, 4)
    assert results == [*[Written.CREATED] * 4, None, Written.UNCHANGED, Written.UPDATED]
