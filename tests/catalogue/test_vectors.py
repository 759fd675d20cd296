"""Vectors know the model that made them; vectors of two models are never mixed."""

import sqlite3

import numpy as np
import pytest

from app.catalogue import vectors
from app.catalogue.index import CatalogueIndex
from app.catalogue.row_loading import load_vectors
from app.catalogue.store import Catalogue
from app.catalogue.vectors import Models, StaleVectors
from app.recommend.embedding import Embedder, StaticEmbedder
from app.recommend.types import DENSE, LATENT
from tests.catalogue.index_inspection import assert_as_if_fresh, candidates, index_of, search
from tests.fakes import SHELF, Opposite, document
from tests.opening import OpenCatalogue


class Interrupted(Exception):
    """The process was stopped here."""


@pytest.fixture
def other(embedder: Embedder) -> Embedder:
    """Another model than the one that the catalogue was indexed with."""
    return Opposite(embedder)


@pytest.fixture
def catalogue(open_catalogue: OpenCatalogue, monkeypatch: pytest.MonkeyPatch) -> Catalogue:
    """Eight documents, three of which are a batch."""
    monkeypatch.setattr(vectors, "BATCH", 3)
    return open_catalogue(SHELF)


def kept(catalogue: Catalogue) -> int:
    return len(models(catalogue.database.reader))


def models(connection: sqlite3.Connection) -> list[tuple[str, str, int, int]]:
    """Leg, hash, whether it is active, and how many vectors there are, in the order of making."""
    query = (
        "SELECT leg, hash, active, count(passage) FROM models "
        "LEFT JOIN embeddings ON model = id GROUP BY id ORDER BY id"
    )
    return connection.execute(query).fetchall()


def active(catalogue: Catalogue) -> dict[str, tuple[str, int]]:
    rows = models(catalogue.database.reader)
    return {leg: (hash_, count) for leg, hash_, is_active, count in rows if is_active}


def with_embedder(catalogue: Catalogue, embedder: Embedder) -> Catalogue:
    return Catalogue(catalogue.database, Models(embedder))


def dense_vector(catalogue: Catalogue, document_id: str) -> list[float]:
    reader = catalogue.database.reader
    query = "SELECT p.key FROM passages p JOIN documents d ON d.key = p.document WHERE id = ?"
    keys = np.array(reader.execute(query, (document_id,)).fetchone(), np.int64)
    (found,) = load_vectors(catalogue.database, DENSE, catalogue.models.active(reader), keys)
    return [round(float(each), 3) for each in found]


def test_every_document_has_a_unit_vector_of_each_leg(
    catalogue: Catalogue, embedder: Embedder
) -> None:
    made = active(catalogue)
    assert made[DENSE] == (embedder.hash, len(SHELF))
    assert made[LATENT][1] == len(SHELF)
    assert np.linalg.norm(dense_vector(catalogue, "tide")) == pytest.approx(1, abs=0.01)


def test_nothing_is_made_twice(catalogue: Catalogue) -> None:
    before = models(catalogue.database.reader)
    assert not catalogue.ensure_models()
    assert models(catalogue.database.reader) == before


def test_vectors_of_another_embedder_are_refused(catalogue: Catalogue, other: Embedder) -> None:
    stale = with_embedder(catalogue, other)
    with pytest.raises(StaleVectors, match="reindex"):
        stale.put([document("new")])
    assert stale.get("new") is None
    with pytest.raises(StaleVectors, match=r"the model is another: reindex"):
        CatalogueIndex(stale.database, stale.models)


def test_and_are_made_again(catalogue: Catalogue, other: Embedder) -> None:
    before = dense_vector(catalogue, "tide")
    again = with_embedder(catalogue, other)
    heard: list[int] = []
    assert again.ensure_models(heard.append)
    assert sum(heard) == len(SHELF)
    assert active(again)[DENSE] == ("another", len(SHELF))
    assert dense_vector(again, "tide") == [-each for each in before] + [0] * 44
    assert kept(again) == 3, "both active ones, and the one before"
    assert search(index_of(again), "stale bread")[0] == "staling"


def test_interrupted_in_the_middle_the_old_model_stays_and_the_next_run_succeeds(
    catalogue: Catalogue, embedder: Embedder, other: Embedder
) -> None:
    def stop(count: int) -> None:
        raise Interrupted(count)

    again = with_embedder(catalogue, other)
    with pytest.raises(Interrupted):
        again.ensure_models(stop)
    assert active(catalogue)[DENSE] == (embedder.hash, len(SHELF))
    assert ("dense", "another", 0, 3) in models(catalogue.database.reader)
    catalogue.put([document("meanwhile")])
    assert search(index_of(catalogue), "stale bread")[0] == "staling"
    assert again.ensure_models()
    assert active(again)[DENSE] == ("another", len(SHELF) + 1)
    assert kept(again) == 3, "both active ones, and the one before"


def test_documents_written_while_a_model_is_installed_are_in_it(
    catalogue: Catalogue, open_catalogue: OpenCatalogue, embedder: Embedder
) -> None:
    writer = open_catalogue()

    def write(_: int) -> None:
        writer.put([document("meanwhile"), document("tide", text="Written again.")])
        writer.delete("sqlite")

    assert catalogue.ensure_models(write, refit=True)
    made = active(catalogue)
    assert made[DENSE] == (embedder.hash, len(SHELF))
    assert made[LATENT][1] == len(SHELF)
    assert_as_if_fresh(index_of(catalogue), catalogue)


def test_the_slower_of_two_that_install_gives_way(
    catalogue: Catalogue, open_catalogue: OpenCatalogue, other: Embedder
) -> None:
    slow, fast = with_embedder(catalogue, other), with_embedder(open_catalogue(), other)
    done: list[bool] = []

    def overtake(_: int) -> None:
        if not done:
            done.append(fast.ensure_models())

    slow.ensure_models(overtake)
    assert done == [True]
    assert active(slow)[DENSE] == ("another", len(SHELF))
    assert kept(slow) == 3, "both active ones, and the one before"


def test_the_latent_model_is_fitted_again_when_the_catalogue_doubles(catalogue: Catalogue) -> None:
    first = active(catalogue)[LATENT]
    catalogue.put([document(f"more-{number}") for number in range(len(SHELF))])
    assert not catalogue.ensure_models()
    catalogue.put([document("one-more")])
    assert catalogue.ensure_models()
    assert active(catalogue)[LATENT][0] != first[0]
    assert active(catalogue)[LATENT][1] == len(catalogue)


def test_or_halves(catalogue: Catalogue) -> None:
    for each in SHELF[:4]:
        catalogue.delete(each.id)
    assert not catalogue.ensure_models()
    catalogue.delete(SHELF[4].id)
    assert catalogue.ensure_models()


def test_a_catalogue_too_small_to_fit_works_without(open_catalogue: OpenCatalogue) -> None:
    catalogue = open_catalogue([document("tide")], "small.db")
    assert LATENT not in active(catalogue)
    assert not catalogue.ensure_models()
    assert search(index_of(catalogue), "tide") == ["tide"]
    catalogue.put([document("bread")])
    assert catalogue.ensure_models()
    assert search(index_of(catalogue), "bread")[0] == "bread"


def test_scripts_that_the_embedder_lacks_have_no_meaning_in_common(
    open_catalogue: OpenCatalogue, static_embedder: StaticEmbedder
) -> None:
    unknown = [document("amharic", "አማርኛ", "አማርኛ ቋንቋ"), document("snow", "☃ ☃", "☃"), *SHELF]
    known = with_embedder(open_catalogue(unknown), static_embedder)
    known.ensure_models()
    index = index_of(known)
    assert search(index, "አማርኛ")[0] == "amharic", "by its word"
    for question in ("አማርኛ", "ᏣᎳᎩ"):
        assert not candidates(index.now(), question).dense.any()
