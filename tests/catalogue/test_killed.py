"""kill -9 at any moment: what was acknowledged is there, and doing it again finishes the work."""

import json
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from app.catalogue.importer import import_path
from tests.opening import OpenCatalogue
from tests.processes import killed, running

ROWS, BAD_EVERY = 4000, 97
IMPORT = """
import sys
from pathlib import Path
from app.catalogue.importer import import_path
from app.composition import open_catalogue

folder, source, rejects = map(Path, sys.argv[1:])
catalogue = open_catalogue(folder)
catalogue.ensure_models()
import_path(catalogue, source, rejects, lambda _, summary: print(summary.stored, flush=True))
"""
WRITES = """
import sys
from pathlib import Path
from app.composition import open_catalogue
from app.recommend.types import Document

catalogue = open_catalogue(Path(sys.argv[1]))
catalogue.ensure_models()
for number in range(100_000):
    catalogue.put([Document(f"d{number}", f"Title {number}", f"Text {number}.")])
    print("wrote", number, flush=True)
    if number % 3 == 0:
        catalogue.delete(f"d{number}")
        print("deleted", number, flush=True)
"""
FEEDBACK = """
import sys
from pathlib import Path
from app.catalogue import feedback_journal
from app.catalogue.database import Database
from app.catalogue.feedback_journal import Feedback, Journal, Kind, Served

database = Database(
    Path(sys.argv[1]) / "journal.db", feedback_journal.SCHEMA, feedback_journal.SCHEMA_VERSION
)
journal = Journal(database, 10_000)
for number in range(100_000):
    journal.record(Served(f"r{number}", "fusion", "1", (), ("bread", "tide")))
    journal.add_feedback(Feedback(f"r{number}", "tide", Kind.CLICK))
    print(number, flush=True)
"""


def query(path: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return connection.execute(sql).fetchall()


def source_rows() -> Iterable[str]:
    for number in range(ROWS):
        text = "" if number % BAD_EVERY == 5 else f"Text about word{number % 50}."
        yield json.dumps({"id": f"d{number}", "title": "A title", "text": text})


GOOD = [f"d{number}" for number in range(ROWS) if number % BAD_EVERY != 5]


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.lasting)])
def test_an_import(tmp_path: Path, open_catalogue: OpenCatalogue, seed: int) -> None:
    source, rejects, random = tmp_path / "big.jsonl", tmp_path / "rejects", Random(seed)
    source.write_text("\n".join(source_rows()) + "\n")
    with running(IMPORT, tmp_path, source, rejects) as process:
        output = killed(process, random.randint(1, 6), random)
    stored = int(output[-1])
    found = {each for (each,) in query(tmp_path / "catalogue.db", "SELECT id FROM documents")}
    assert set(GOOD[:stored]) <= found <= set(GOOD)

    catalogue = open_catalogue()
    summary = import_path(catalogue, source, rejects)
    assert summary.stored == len(GOOD)
    assert summary.unchanged == len(found)
    assert summary.rejected == len(rejects.read_text().splitlines()) == ROWS - len(GOOD)
    assert {each.id for each in catalogue} == set(GOOD)
    complete = (
        "SELECT leg, count(*) FROM embeddings JOIN models ON model = id WHERE active GROUP BY leg"
    )
    legs = query(tmp_path / "catalogue.db", complete)
    assert legs == [("dense", len(GOOD)), ("latent", len(GOOD))]
    assert not catalogue.ensure_models()


@pytest.mark.lasting
def test_writes_and_deletes(tmp_path: Path, open_catalogue: OpenCatalogue) -> None:
    random = Random(1)
    with running(WRITES, tmp_path) as process:
        output = killed(process, random.randint(5, 40), random)
    done = [(what, int(number)) for what, number in map(str.split, output)]
    gone = {number for what, number in done if what == "deleted"}
    kept = {f"d{number}" for what, number in done if what == "wrote"} - {f"d{n}" for n in gone}
    found = {each for (each,) in query(tmp_path / "catalogue.db", "SELECT id FROM documents")}
    last = done[-1][1]
    assert kept - {f"d{last}"} <= found <= kept | {f"d{last}", f"d{last + 1}"}
    if done[-1][0] == "deleted" or last % 3:  # then nothing about the last one was under way
        assert (f"d{last}" in found) == (f"d{last}" in kept)
    assert len(open_catalogue()) == len(found)


@pytest.mark.lasting
def test_feedback(tmp_path: Path) -> None:
    random = Random(1)
    with running(FEEDBACK, tmp_path) as process:
        output = killed(process, random.randint(5, 40), random)
    wanted = {f"r{number}" for number in map(int, output)}
    sql = "SELECT recommendation, document, kind, rank FROM feedback"
    rows = query(tmp_path / "journal.db", sql)
    assert {row[1:] for row in rows} == {("tide", "click", 2)}
    given = {row[0] for row in rows}
    assert wanted <= given <= wanted | {f"r{len(wanted)}"}
