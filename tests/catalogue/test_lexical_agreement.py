"""Both lexical indexes, SQLite's FTS5 and the postings in memory, give the same scores."""

import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.catalogue import store
from app.catalogue.database import Database
from app.catalogue.index import CatalogueIndex
from app.catalogue.store import Catalogue
from app.catalogue.vectors import Models
from app.recommend.embedding import Embedder
from app.recommend.text_analysis import stems
from app.recommend.types import Document, Probe
from tests.catalogue.index_inspection import EVERYWHERE, candidates, held, index_of
from tests.fakes import SHELF, document
from tests.opening import OpenCatalogue

NOTHING = np.zeros(64, np.float32)
WORDS = [
    "bread",
    "keeping",
    "the",
    "c++",
    "c#",
    "wi-fi",
    "学习机器",
    "ελλάδα",
    "1945",
    "🍞",
    "AND",
    "NEAR",
]
TEXT = st.lists(st.sampled_from(WORDS), min_size=1, max_size=12).map(" ".join)
ID = st.sampled_from(["a", "b", "c", "d", "e", "f"])
WRITE = st.builds(document, ID, TEXT, TEXT)
CHANGE = st.one_of(WRITE, ID)
"""A document to write, or an id to delete."""


def apply(catalogue: Catalogue, changes: Iterable[Document | str]) -> None:
    for change in changes:
        if isinstance(change, str):
            catalogue.delete(change)
        else:
            catalogue.put([change])


def lexical_scores(index: CatalogueIndex, terms: Counter[str]) -> dict[int, float]:
    found = index.now().retrieve(Probe(terms, NOTHING, NOTHING), 100, EVERYWHERE)
    return dict(zip(found.keys.tolist(), found.lexical.tolist(), strict=True))


def assert_alike(indexes: Sequence[CatalogueIndex], query: str) -> None:
    by_fts5, in_memory = (lexical_scores(index, Counter(stems(query))) for index in indexes)
    assert by_fts5 == pytest.approx(in_memory, abs=1e-5)
    assert all(0 < score <= 1 for score in by_fts5.values())


@settings(max_examples=100)
@given(
    st.lists(WRITE, max_size=8),
    st.lists(CHANGE, max_size=8),
    st.lists(TEXT, min_size=1, max_size=4),
)
@example([], [], ["bread"])
@pytest.mark.lasting
def test_both_score_alike_before_and_after_writes(
    embedder: Embedder,
    written: list[Document],
    changes: list[Document | str],
    queries: list[str],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        database = Database(Path(folder) / "c.db", store.SCHEMA, store.SCHEMA_VERSION)
        with closing(database):
            catalogue = Catalogue(database, Models(embedder))
            catalogue.put(written)
            indexes = index_of(catalogue, "fts5"), index_of(catalogue, "memory")
            for query in queries:
                assert_alike(indexes, query)
            apply(catalogue, changes)
            for query in queries:
                assert_alike(indexes, query)


@pytest.mark.parametrize(
    ("typed", "plain"),
    [
        ('"bread', "bread"),
        ("bread*", "bread"),
        ("stems:bread", "stems bread"),
        ("NEAR(bread water)", "near bread water"),
        ("bread NOT water", "bread not water"),
        ("-bread ^water", "bread water"),
        ("bread AND moon", "bread and moon"),
        ("{bread}:", "bread"),
    ],
)
@pytest.mark.parametrize("kind", ["fts5", "memory"])
def test_operators_mean_nothing(
    open_catalogue: OpenCatalogue, kind: str, typed: str, plain: str
) -> None:
    now = index_of(open_catalogue(SHELF), kind).now()
    one, other = candidates(now, typed), candidates(now, plain)
    np.testing.assert_array_equal(one.keys, other.keys)
    np.testing.assert_array_equal(one.lexical, other.lexical)
    assert one.lexical.max() > 0


@pytest.mark.parametrize("kind", ["fts5", "memory"])
def test_as_many_terms_as_a_query_can_have(open_catalogue: OpenCatalogue, kind: str) -> None:
    many = "".join(chr(0x4E00 + number) for number in range(500))
    catalogue = open_catalogue([*SHELF, document("many", "Many", many)])
    index = index_of(catalogue, kind)
    found = candidates(index.now(), many)
    best = found.keys[found.lexical.argmax()]
    assert held(index) == {document.id for document in catalogue}
    assert [stored.document.id for stored in index.now().documents(best[None])] == ["many"]
    assert len(candidates(index.now(), "bread " * 80)) > 0
