"""Long texts in passages: every part is found, and shown as its document."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.catalogue import index_refresh, store
from app.catalogue.headings import headings
from app.catalogue.passages import MAX_PASSAGE, passages
from app.catalogue.store import Catalogue
from app.recommend.types import Document
from tests.cases import cases
from tests.catalogue.index_inspection import assert_as_if_fresh, candidates, index_of, search
from tests.opening import OpenCatalogue

FILLER = "Plain words about nothing much, again and again, to fill a section up. " * 20


def guide(name: str = "guide", sections: int = 12) -> Document:
    """A long document, one of whose sections is about each number."""
    parts = [
        f"## Part {each}\n\nThe topic{each} of {name}.\n\n{FILLER}" for each in range(sections)
    ]
    text = "\n\n".join([f"Introduction to {name}.", *parts])
    return Document(name, f"The {name}", text, "docs", f"https://a.b/{name}")


@cases(
    ("text", "expected"),
    [
        ("# A\n\n## What's *new*? [x](y)\n", [("A", "a"), ("What's new? x", "whats-new-x")]),
        ("A\n===\ntext\n\nB\n---\n", [("A", "a"), ("B", "b")]),
        ("```\n# no\n```\n~~~sh\n# no\n~~~\n# yes\n", [("yes", "yes")]),
        ("# Same\n# Same\n# Same\n", [("Same", "same"), ("Same", "same-1"), ("Same", "same-2")]),
        ("# Own {#the-id}\n", [("Own", "the-id")]),
        ("#no\n####### no\n    # no\n- x\n---\n\n---\n", []),
        ("# Über 日本\r\n", [("Über 日本", "über-日本")]),
    ],
)
def test_headings(text: str, expected: list[tuple[str, str]]) -> None:
    assert [(each.text, each.fragment) for each in headings(text)] == expected


@given(st.lists(st.sampled_from(["# H\n", "word ", "\n\n", "x" * 700, "。", "```\n"]), max_size=80))
def test_every_character_is_in_one_passage(parts: list[str]) -> None:
    document = Document("a", "A", "".join(parts) * 3)
    found = passages(document)
    assert "".join(each.text(document) for each in found) == document.text
    assert all(each.stop - each.start <= MAX_PASSAGE for each in found)
    assert [each.number for each in found] == ([*range(1, len(found) + 1)] if found[1:] else [0])


@pytest.fixture(params=["exact", "codes"])
def library(
    open_catalogue: OpenCatalogue, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Catalogue:
    """Three long documents and a short one, searched in both ways."""
    if request.param == "codes":
        monkeypatch.setattr(index_refresh, "EXACT", 5)
        monkeypatch.setattr(index_refresh, "FTS_DOCUMENTS", 5)
    short = Document("short", "Short", "A short text about topic99.", "docs")
    return open_catalogue([guide("guide"), guide("manual"), guide("handbook", 60), short])


def test_a_section_is_found_and_shown_as_its_document(library: Catalogue) -> None:
    now = index_of(library).now()
    found = candidates(now, "topic7 of manual")
    (best,) = now.documents(found.keys[[found.lexical.argmax()]])
    assert best.document.id == "manual"
    assert best.document.text.startswith("## Part 7")
    assert len(best.document.text) < MAX_PASSAGE
    assert best.document.url == "https://a.b/manual#part-7"
    assert best.section is not None
    assert (best.section.heading, best.section.fragment) == ("Part 7", "part-7")


def test_a_document_is_a_candidate_once_and_a_long_one_crowds_no_other_out(
    library: Catalogue,
) -> None:
    index = index_of(library)
    found = search(index, "plain words about nothing, topic99")
    assert sorted(found) == ["guide", "handbook", "manual", "short"]
    now = index.now()
    few = candidates(now, "plain words about nothing much", depth=2)
    assert len({each.document.id for each in now.documents(few.keys)}) == len(few) >= 2


def test_writing_and_deleting_take_all_passages_along(library: Catalogue) -> None:
    index = index_of(library)
    assert library.put([guide("manual", 4)]) == [store.Written.UPDATED]
    assert library.delete("handbook")
    assert_as_if_fresh(index, library)
    assert sorted(search(index, "topic2")) == ["guide", "manual", "short"]
    count = "SELECT count(*) FROM {} "
    reader = library.database.reader
    held = [reader.execute(count.format(each)).fetchone()[0] for each in ("passages", "words")]
    assert held[0] == held[1] == len(index.now().snapshot.keys[index.now().snapshot.live])


def test_like_a_long_document(library: Catalogue) -> None:
    now = index_of(library).now()
    like = now.probe_like("guide")
    assert like is not None
    found = now.retrieve(like[1], 10, frozenset())
    assert {each.document.id for each in now.documents(found.keys)} == {
        "manual", "handbook", "short",
    }  # fmt: skip
