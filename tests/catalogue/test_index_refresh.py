"""An index follows the writes of other processes: each is in the next snapshot."""

import logging
from dataclasses import replace
from random import Random

import numpy as np
import pytest

from app.catalogue import index_refresh, store
from app.catalogue.index import CatalogueIndex
from app.catalogue.store import Catalogue
from app.catalogue.vectors import Models
from app.recommend.embedding import Embedder
from app.recommend.index import UNKNOWN
from app.recommend.latent import LatentModel
from app.recommend.types import LATENT, Document
from tests.catalogue.index_inspection import (
    assert_as_if_fresh,
    candidates,
    held,
    index_of,
    names,
    rebuilt,
    search,
)
from tests.fakes import SHELF, Opposite, document
from tests.opening import OpenCatalogue

QUOKKA = document("quokka", "Quokka", "The quokka is a small marsupial.", "zoology")
IDS = {each.id for each in SHELF}


@pytest.fixture
def writer(open_catalogue: OpenCatalogue) -> Catalogue:
    """Another process that writes into the same file."""
    return open_catalogue(SHELF)


@pytest.fixture
def reader(open_catalogue: OpenCatalogue, writer: Catalogue) -> Catalogue:
    """The index under test; another `Database` than the writer's."""
    assert len(writer) == len(SHELF)
    return open_catalogue()


@pytest.fixture(params=["fts5", "memory"])
def index(reader: Catalogue, request: pytest.FixtureRequest) -> CatalogueIndex:
    return index_of(reader, request.param)


def latent_hash(index: CatalogueIndex) -> str:
    _, model = index.now().snapshot.models[LATENT]
    assert isinstance(model, LatentModel)
    return model.hash


def test_a_damaged_full_text_index_costs_its_words_only(
    writer: Catalogue, index: CatalogueIndex
) -> None:
    index.now()
    writer.put([QUOKKA])
    with writer.database.write() as connection:
        connection.execute("DELETE FROM words WHERE rowid = (SELECT max(key) FROM passages)")
    assert {*search(index, "The quokka is a small marsupial")} & IDS


def test_a_moment_lasts_while_nothing_is_written(writer: Catalogue, index: CatalogueIndex) -> None:
    first = index.now()
    assert index.now() is first
    writer.put([SHELF[0]])  # is there already
    assert index.now().snapshot is first.snapshot
    writer.put([QUOKKA])
    assert index.now() is not first


def test_a_new_document_is_found_at_once(writer: Catalogue, index: CatalogueIndex) -> None:
    assert "quokka" not in search(index, "quokka")
    writer.put([QUOKKA])
    assert search(index, "quokka")[0] == "quokka"
    assert search(index, "marsupial", frozenset({"zoology"})) == ["quokka"]
    assert index.now().rarity("quokka") < UNKNOWN


def test_an_update_takes_the_place_of_the_old_text(
    writer: Catalogue, index: CatalogueIndex
) -> None:
    writer.put([replace(SHELF[0], title="Toast", text="A quokka on toast.", category="zoology")])
    assert held(index) == IDS
    assert search(index, "quokka")[0] == "staling"
    assert index.now().rarity("starch") == UNKNOWN
    assert "staling" not in search(index, "bread", frozenset({"cooking"}))
    assert_as_if_fresh(index, writer)


def test_a_deleted_document_is_gone(writer: Catalogue, index: CatalogueIndex) -> None:
    assert writer.delete("staling")
    assert held(index) == IDS - {"staling"}
    assert "staling" not in search(index, "stale bread")
    assert_as_if_fresh(index, writer)


def test_written_and_deleted_between_two_moments(writer: Catalogue, index: CatalogueIndex) -> None:
    writer.put([QUOKKA])
    writer.put([replace(QUOKKA, text="Once more.")])
    assert writer.delete("quokka")
    writer.put([replace(SHELF[1], text="Changed."), replace(SHELF[2], text="Changed too.")])
    assert held(index) == IDS
    assert_as_if_fresh(index, writer)


def test_a_moment_under_way_stays_as_it_was(writer: Catalogue, reader: Catalogue) -> None:
    index = index_of(reader, "memory")
    moment = index.now()
    before = candidates(index_of(reader, "memory").now(), "stale bread")  # before the write
    assert writer.delete("staling")
    assert "staling" not in search(index, "stale bread")
    writer.put([QUOKKA, replace(SHELF[1], text="Bread, stale bread.")])
    assert search(index, "stale bread")[0] == "sourdough"
    after = candidates(moment, "stale bread")
    np.testing.assert_array_equal(after.keys, before.keys)
    np.testing.assert_array_equal(after.lexical, before.lexical)
    assert "staling" not in names(moment, after.keys)  # deleted documents are not shown


def test_another_latent_model_is_taken_over(writer: Catalogue, index: CatalogueIndex) -> None:
    before = latent_hash(index)
    writer.put([QUOKKA])
    assert index.now().nearest("quokkas") is None
    assert writer.ensure_models(refit=True)
    assert latent_hash(index) != before
    assert index.now().nearest("quokkas") == ("quokka", "quokka")
    assert_as_if_fresh(index, writer)


def test_removals_forgotten_meanwhile_lose_nothing(
    writer: Catalogue, index: CatalogueIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "REMOVALS_KEPT", 2)
    gone = [each.id for each in SHELF[:5]]
    for document_id in gone:
        assert writer.delete(document_id)
    (kept,) = writer.database.reader.execute("SELECT count(*) FROM removals").fetchone()
    assert kept == 2
    assert held(index) == IDS - set(gone)
    assert_as_if_fresh(index, writer)


def test_the_previous_index_goes_on_when_another_program_reindexes(
    writer: Catalogue,
    index: CatalogueIndex,
    embedder: Embedder,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.ERROR):
        assert Catalogue(writer.database, Models(Opposite(embedder))).ensure_models()
        assert search(index, "stale bread")[0] == "staling"
    assert "the previous index stays in use" in caplog.text


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("lexical", ["fts5", "memory"])
def test_any_writes_end_as_if_opened_afresh(
    writer: Catalogue,
    reader: Catalogue,
    seed_documents: list[Document],
    seed: int,
    lexical: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(index_refresh, "MAX_INLINE", 12)
    if seed % 2:  # a large catalogue, from the start
        monkeypatch.setattr(index_refresh, "EXACT", 0)
        monkeypatch.setattr(index_refresh, "MAX_IN_MEMORY", 0)
    random, index = Random(seed), index_of(reader, lexical)
    pool = [replace(each, id=f"d{number}") for number, each in enumerate(seed_documents[:60])]
    for _ in range(40):
        who = random.choice([writer, reader])
        if random.random() < 0.3:
            who.delete(f"d{random.randrange(60)}")
        else:
            some = random.sample(pool, random.choice([1, 2, 15]))
            who.put([replace(each, text=f"{each.text} {random.random()}") for each in some])
        if random.random() < 0.5:
            index.now()
    index.now()
    rebuilt()
    assert_as_if_fresh(index, reader, lexical)
