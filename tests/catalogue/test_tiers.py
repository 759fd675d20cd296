"""Larger catalogues: sign codes first, vectors from memory or from the file; the same answers.

The sizes at which the index changes its ways are lowered, so that the seed catalogue is large.
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.catalogue import index_refresh, store
from app.catalogue.database import Database
from app.catalogue.index import CatalogueIndex
from app.catalogue.store import Catalogue
from app.catalogue.vectors import Models
from app.recommend.embedding import Embedder
from app.recommend.fusion import Fusion
from app.recommend.ranking import order
from app.recommend.types import Document
from tests.catalogue.index_inspection import candidates, held, index_of, search
from tests.fakes import document


@pytest.fixture
def seeded(seed_data: Path, embedder: Embedder) -> Iterator[Catalogue]:
    """The seed catalogue."""
    database = Database(seed_data / "catalogue.db", store.SCHEMA, store.SCHEMA_VERSION)
    with closing(database):
        yield Catalogue(database, Models(embedder))


@pytest.fixture(params=["vectors in memory", "vectors in the file"])
def large(
    seeded: Catalogue, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> CatalogueIndex:
    """An index that takes the seed catalogue for a large one."""
    monkeypatch.setattr(index_refresh, "FTS_DOCUMENTS", 50)
    monkeypatch.setattr(index_refresh, "EXACT", 50)
    if request.param == "vectors in the file":
        monkeypatch.setattr(index_refresh, "MAX_IN_MEMORY", 100)
    index = index_of(seeded)
    assert index.now().quick == (request.param == "vectors in memory")
    assert index.now().snapshot.codes
    return index


def questions(seed_documents: list[Document]) -> list[str]:
    return [each.text.split(". ")[0] for each in seed_documents[::9]]


def top(index: CatalogueIndex, question: str) -> list[int]:
    found = candidates(index.now(), question)
    keys: list[int] = found.keys[order(Fusion().score(found))][:10].tolist()
    return keys


def test_the_best_ten_are_those_of_the_exact_way(
    seeded: Catalogue,
    large: CatalogueIndex,
    monkeypatch: pytest.MonkeyPatch,
    seed_documents: list[Document],
) -> None:
    monkeypatch.undo()
    exact = index_of(seeded)
    assert not exact.now().snapshot.codes
    asked = questions(seed_documents)
    first = [top(exact, question)[0] == top(large, question)[0] for question in asked]
    shared = [len({*top(exact, each)} & {*top(large, each)}) for each in asked]
    assert all(first)
    assert np.mean(shared) > 9.5


def test_scores_of_what_is_found_are_exact(
    seeded: Catalogue,
    large: CatalogueIndex,
    monkeypatch: pytest.MonkeyPatch,
    seed_documents: list[Document],
) -> None:
    monkeypatch.undo()
    exact = index_of(seeded, "memory")
    for question in questions(seed_documents):
        one = candidates(large.now(), question)
        other = candidates(exact.now(), question, depth=len(seed_documents))
        place = {key: at for at, key in enumerate(other.keys.tolist())}
        at = [place[key] for key in one.keys.tolist()]
        for leg in ("lexical", "dense", "latent"):
            np.testing.assert_allclose(getattr(one, leg), getattr(other, leg)[at], atol=1e-6)


def test_writes_and_deletes_are_seen(seeded: Catalogue, large: CatalogueIndex) -> None:
    seeded.put([document("quokka", "Quokka", "A marsupial, like koalas and wombats.")])
    assert search(large, "quokka")[0] == "quokka"
    assert search(large, "kangaroo")[0] == "quokka"  # no word in common
    old = seeded.get("quokka")
    assert old is not None
    seeded.put([replace(old, title="Numbat", text="The numbat eats termites.")])
    assert search(large, "numbat termites")[0] == "quokka"
    assert seeded.delete("quokka")
    assert "quokka" not in search(large, "numbat termites")
    assert held(large) == {document.id for document in seeded}


def test_categories_hold(seeded: Catalogue, large: CatalogueIndex) -> None:
    members = {each.id for each in seeded.page("", 200, "cooking")}
    found = search(large, "how do computers learn", frozenset({"cooking"}))
    assert found
    assert set(found) <= members


def test_a_document_deleted_since_is_no_candidate_that_breaks_anything(
    seeded: Catalogue, large: CatalogueIndex
) -> None:
    past = large.now()
    first = search(large, "bread")[0]
    assert seeded.delete(first)
    found = candidates(past, "bread")
    assert np.isfinite(Fusion().score(found).scores).all()
    assert first not in {stored.document.id for stored in past.documents(found.keys)}


def test_a_moment_keeps_its_vectors_while_the_models_are_made_again(
    seeded: Catalogue, large: CatalogueIndex
) -> None:
    moment = large.now()
    before = candidates(moment, "keep bread from going stale")
    assert seeded.ensure_models(refit=True)
    after = candidates(moment, "keep bread from going stale")
    np.testing.assert_array_equal(after.keys, before.keys)
    np.testing.assert_array_equal(after.dense, before.dense)
    np.testing.assert_array_equal(after.latent, before.latent)
