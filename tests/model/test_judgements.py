"""Judgements from files and from nowhere: what is used, and why the rest is not."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from app.catalogue.index import CatalogueIndex
from app.catalogue.store import Catalogue
from app.model.judged import Split
from app.model.judgement_files import JudgementsUnreadable, Source, read_judgements
from app.model.judgements import seed_judgements, validate
from app.model.pseudo_judgements import judgements_for, pseudo_judgements
from app.recommend.types import Document
from tests.fakes import SHELF
from tests.opening import OpenCatalogue


@pytest.fixture
def shelf(open_catalogue: OpenCatalogue) -> Catalogue:
    return open_catalogue(SHELF)


@pytest.fixture
def file(tmp_path: Path) -> Callable[..., Path]:
    def write(*rows: object, name: str = "mine.jsonl") -> Path:
        path = tmp_path / name
        lines = (each if isinstance(each, str) else json.dumps(each) for each in rows)
        path.write_text("".join(f"{line}\n" for line in lines))
        return path

    return write


def row(text: str, split: str = "tune", **relevance: object) -> Mapping[str, object]:
    return {"text": text, "relevance": relevance} | ({"split": split} if split else {})


def test_every_row_is_used_dropped_or_quarantined(
    shelf: Catalogue, file: Callable[..., Path]
) -> None:
    path = file(
        row("stale bread", staling=3, sourdough=1, pizza=2),
        row("tides", "test", tide=1),
        row("Stale  bread", staling=3),
        row("stale bread", sourdough=2),
        row("stale bread", "test", tide=1),
        row("judged irrelevant", tide=0),
        {"text": "stale bread", "relevance": {}, "split": "tune"},
        row("nothing like this"),
        row("!?"),
        row("", tide=1),
        row("wrong grade", tide="high"),
        row("wrong grade", tide=-1),
        row("wrong split", "train", tide=1),
        "{oops",
        '"text"',
        {"text": "no object", "relevance": []},
        {"text": "half a character", "relevance": {"tide": 1}, "kind": "\ud800"},
        row("too large", tide=10**400),
        json.dumps(row("one \u2028 line", "test", tide=1), ensure_ascii=False),
    )
    found = read_judgements(path)
    valid = validate(found, shelf)
    assert [(each.text, dict(each.relevance)) for each in valid.tune] == [
        ("nothing like this", {}), ("stale bread", {"staling": 3, "sourdough": 2}),
    ]  # fmt: skip
    assert [(each.text, dict(each.relevance)) for each in valid.test] == [
        ("one \u2028 line", {"tide": 1}), ("tides", {"tide": 1}),
    ]  # fmt: skip
    quality = valid.quality
    assert quality.dropped == {
        "unknown-document": 1, "duplicate": 1, "not-searchable": 1, "leak": 1,
        "nothing-relevant": 1,
    }  # fmt: skip
    assert quality.quarantined == {
        "malformed": 5, "no-text": 1, "bad-grade": 3, "contradiction": 2,
    }  # fmt: skip
    lost = sum(quality.dropped.values()) + sum(quality.quarantined.values())
    assert (quality.read, quality.used) == (21, 21 - lost)
    assert {each.line for each in quality.rejects} == {4, 7, 10, 11, 12, 13, 14, 15, 16, 17, 18}
    assert "“sourdough” has the grade 1 in an earlier row" in quality.rejects[-2].detail
    assert "does any document answer" in quality.rejects[-1].detail


def test_trec_qrels(shelf: Catalogue, file: Callable[..., Path]) -> None:
    path = file("q1 0 staling 2", "q1 0 tide 0", "q2 0 tide 1", "q3 0 tide 1", "q1 0", name="qrels")
    with pytest.raises(JudgementsUnreadable, match="--queries FILE"):
        read_judgements(path)
    with pytest.raises(JudgementsUnreadable, match="line 1 of the queries has no id, tab and text"):
        read_judgements(path, file("q1 stale bread", name="spaces.tsv"))
    for queries in (
        file("q1\tstale bread", "q2\tthe tides", name="queries.tsv"),
        file(
            {"id": "q1", "text": "stale bread"}, {"id": "q2", "text": "the tides"}, name="q.jsonl"
        ),
    ):
        found = read_judgements(path, queries)
        valid = validate(found, shelf)
        judged = {each.text: dict(each.relevance) for each in (*valid.tune, *valid.test)}
        assert judged == {"stale bread": {"staling": 2}, "the tides": {"tide": 1}}
        assert valid.quality.quarantined == {"malformed": 1, "no-text": 1}
        assert found.source is Source.TREC


@pytest.mark.parametrize("content", [[], ["{"], ["", "  "]])
def test_a_file_without_a_usable_row_is_refused(
    file: Callable[..., Path], content: list[str]
) -> None:
    with pytest.raises(JudgementsUnreadable, match=r"mine\.jsonl has no usable row"):
        read_judgements(file(*content))


def test_queries_are_split_by_their_text_alone(shelf: Catalogue, file: Callable[..., Path]) -> None:
    rows = [row(f"tide number {n}", "", tide=1) for n in range(200)]
    forward, backward = (
        validate(read_judgements(file(*each)), shelf) for each in (rows, rows[::-1])
    )
    assert {each.text for each in forward.test} == {each.text for each in backward.test}
    assert 40 < len(forward.test) < 80
    other = validate(read_judgements(file(*rows)), shelf, Split.TEST)
    assert {each.text for each in other.tune} == {each.text for each in forward.test}


def test_what_is_evaluated_on_is_not_trained_on(
    shelf: Catalogue, file: Callable[..., Path]
) -> None:
    judgements = read_judgements(file(row("tides", "", tide=1), row("stale bread", "", staling=1)))
    holdout = read_judgements(file(row("the Moon", tide=1), row("TIDES", "test", tide=1), "{"))
    valid = validate(judgements, shelf, holdout=holdout)
    assert [each.text for each in valid.tune] == ["stale bread"]
    assert [each.text for each in valid.test] == ["TIDES"]
    assert valid.quality.dropped == {"leak": 1, "other-split": 1}
    assert (valid.quality.read, valid.quality.used) == (5, 2)
    assert valid.quality.rejects == (), "each file has its own"
    assert [each.line for each in valid.quality.holdout_rejects] == [3]


def test_without_judgements_titles_and_headings_are_queries(
    open_catalogue: OpenCatalogue, shelf: Catalogue, seed_documents: list[Document]
) -> None:
    assert seed_judgements(shelf) is None
    index = CatalogueIndex(shelf.database, shelf.models).now()
    found = judgements_for(shelf, None, None, index)
    assert found.source is Source.PSEUDO
    assert found == pseudo_judgements(shelf, index), "the same every time"
    answered = {each.document for each in found.rows if each.document}
    assert answered == {each.id for each in SHELF}
    assert {each.kind for each in found.rows if not each.document} == {"out-of-domain", "mixed"}
    seed = open_catalogue(seed_documents[:400], "seed.db")
    assert seed_judgements(seed) is not None


def test_a_file_in_which_all_is_answered_gets_queries_without_an_answer(
    shelf: Catalogue, file: Callable[..., Path]
) -> None:
    index = CatalogueIndex(shelf.database, shelf.models).now()
    path = file(row("tides", tide=1), row("stale bread", staling=1))
    found = judgements_for(shelf, path, None, index)
    added = [each for each in found.rows if not each.document]
    assert f"{len(added)} queries without an answer that were added" in found.name
    path = file(row("tides", tide=1), row("capital of France"))
    assert len(judgements_for(shelf, path, None, index).rows) == 2
