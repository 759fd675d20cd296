"""Writing and reading documents."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import count

import pytest

from app.catalogue.database import Database
from app.catalogue.store import Catalogue, Written
from app.recommend.types import Document
from tests.fakes import SHELF, document
from tests.opening import OpenCatalogue

TABLES = {"documents": "key", "passages": "key", "words": "rowid", "embeddings": "passage"}
"""Tables and the columns that are keys of documents or passages."""
BREAD = document("bread", "Bread", "Bread is baked.", "cooking")
TOAST = replace(BREAD, title="Toast")
CREATED, UPDATED, UNCHANGED = Written.CREATED, Written.UPDATED, Written.UNCHANGED


@pytest.fixture
def catalogue(open_catalogue: OpenCatalogue) -> Catalogue:
    """An empty one, whose clock counts."""
    opened, ticks = open_catalogue(), count(1)
    return Catalogue(opened.database, opened.models, lambda: f"time {next(ticks)}")


def rows(database: Database) -> Iterator[tuple[str, int]]:
    """How many rows each table has for its documents."""
    for table, column in TABLES.items():
        query = f"SELECT count(DISTINCT {column}) FROM {table}"
        yield table, database.reader.execute(query).fetchone()[0]


def test_what_a_write_did(catalogue: Catalogue) -> None:
    assert catalogue.put([BREAD]) == [CREATED]
    assert catalogue.put([BREAD]) == [UNCHANGED]
    assert catalogue.put([TOAST]) == [UPDATED]
    assert catalogue.put([]) == []


@pytest.mark.parametrize(
    ("before", "batch", "outcomes", "last"),
    [
        ([], [BREAD, BREAD], [CREATED, UNCHANGED], BREAD),
        ([], [BREAD, TOAST], [CREATED, UPDATED], TOAST),
        ([], [BREAD, TOAST, BREAD], [CREATED, UPDATED, UPDATED], BREAD),
        ([BREAD], [TOAST, TOAST], [UPDATED, UNCHANGED], TOAST),
        ([BREAD], [TOAST, BREAD], [UPDATED, UPDATED], BREAD),
    ],
)
def test_the_last_of_duplicates_in_a_batch_stays(
    catalogue: Catalogue,
    before: list[Document],
    batch: list[Document],
    outcomes: list[Written],
    last: Document,
) -> None:
    catalogue.put(before)
    assert catalogue.put(batch) == outcomes
    (kept,) = catalogue
    assert replace(kept, updated_at="") == last
    assert dict(rows(catalogue.database)) == dict.fromkeys(TABLES, 1)


def test_the_time_changes_only_with_the_content(catalogue: Catalogue) -> None:
    catalogue.put([BREAD])
    catalogue.put([BREAD, document("tide")])
    catalogue.put([BREAD, replace(TOAST, id="toast")])
    times = {each.id: each.updated_at for each in catalogue}
    assert times == {"bread": "time 1", "tide": "time 2", "toast": "time 3"}


def test_reading_back(catalogue: Catalogue) -> None:
    catalogue.put([BREAD])
    assert catalogue.get("bread") == replace(BREAD, updated_at="time 1")
    assert catalogue.get("Bread") is None


def test_pages_follow_the_ids(catalogue: Catalogue) -> None:
    catalogue.put(SHELF)
    ids = sorted(each.id for each in SHELF)
    assert [each.id for each in catalogue] == ids
    assert [each.id for each in catalogue.page("", 3)] == ids[:3]
    assert [each.id for each in catalogue.page(ids[2], 3)] == ids[3:6]
    assert [each.id for each in catalogue.page("", 9, "astronomy")] == ["black-hole", "tide"]
    assert [each.id for each in catalogue.page("black-hole", 9, "astronomy")] == ["tide"]
    assert catalogue.page("zzz", 3) == []


def test_counting(catalogue: Catalogue) -> None:
    catalogue.put(SHELF)
    assert len(catalogue) == 8
    assert catalogue.categories() == {"astronomy": 2, "computing": 4, "cooking": 2}


def test_deleting_leaves_nothing_behind(catalogue: Catalogue) -> None:
    catalogue.put([BREAD, document("tide")])
    assert catalogue.delete("bread")
    assert not catalogue.delete("bread")
    assert dict(rows(catalogue.database)) == dict.fromkeys(TABLES, 1)
    assert [each.id for each in catalogue] == ["tide"]


def test_a_batch_is_written_as_a_whole_or_not_at_all(catalogue: Catalogue) -> None:
    broken = replace(BREAD, id="broken", category="\ud800")
    with pytest.raises(UnicodeEncodeError):
        catalogue.put([BREAD, broken])
    assert len(catalogue) == 0
    assert catalogue.put([BREAD]) == [CREATED]


def test_text_that_looks_like_sql_is_text(catalogue: Catalogue) -> None:
    odd = document("odd", "Robert'); DROP TABLE documents;--", 'a "quoted" % _ text')
    catalogue.put([odd])
    found = catalogue.get("odd")
    assert found is not None
    assert (found.title, found.text) == (odd.title, odd.text)
    assert catalogue.get("' OR 1=1 --") is None
