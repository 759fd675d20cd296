"""Bulk writes and much waste are taken in beside the requests, and nothing is lost on the way."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from app.catalogue import index_refresh
from app.catalogue.row_loading import load_rows
from app.catalogue.snapshot import Rows
from app.catalogue.store import Catalogue
from app.recommend.types import Document
from tests.catalogue.index_inspection import assert_as_if_fresh, held, index_of, rebuilt, search
from tests.fakes import document
from tests.opening import OpenCatalogue
from tests.waiting import TIMEOUT

FEW = 20


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Twenty documents are many here; whatever was begun is over at the end."""
    monkeypatch.setattr(index_refresh, "MAX_INLINE", FEW)
    yield
    rebuilt()


@pytest.fixture
def catalogue(open_catalogue: OpenCatalogue, seed_documents: list[Document]) -> Catalogue:
    return open_catalogue(seed_documents[: 2 * FEW])


class Pause:
    """A point that one thread reaches, and does not leave until it is over."""

    def __init__(self) -> None:
        self.reached, self.over = threading.Event(), threading.Event()

    def here(self) -> None:
        self.reached.set()
        assert self.over.wait(TIMEOUT)


def ids(catalogue: Catalogue) -> set[str]:
    return {each.id for each in catalogue}


def test_a_bulk_import_is_taken_in_soon(
    catalogue: Catalogue, seed_documents: list[Document]
) -> None:
    index = index_of(catalogue, "memory")
    catalogue.put(seed_documents[: 4 * FEW])
    assert len(held(index)) in (2 * FEW, 4 * FEW)  # all of it or not yet, and no waiting
    rebuilt()
    assert held(index) == ids(catalogue)
    assert len(held(index)) == 4 * FEW
    assert_as_if_fresh(index, catalogue, "memory")


@pytest.fixture
def pause(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pause]:
    """Rebuilding stops once after it has read the documents."""
    stopped = Pause()

    def load(*arguments: Any, **named: Any) -> Rows:
        rows = load_rows(*arguments, **named)
        if threading.current_thread().name == "index":
            stopped.here()
        return rows

    monkeypatch.setattr(index_refresh, "load_rows", load)
    yield stopped
    stopped.over.set()


def test_writes_during_a_rebuild_are_not_lost(
    catalogue: Catalogue, seed_documents: list[Document], pause: Pause
) -> None:
    index = index_of(catalogue, "memory")
    catalogue.put(seed_documents[: 4 * FEW])
    index.now()  # begins to rebuild
    assert pause.reached.wait(TIMEOUT)
    catalogue.put([document("quokka", "Quokka", "A small marsupial.")])
    gone = seed_documents[0].id
    assert catalogue.delete(gone)
    assert (
        len(held(index)) == 2 * FEW - 1
    )  # the previous one serves; deleted documents are not shown
    pause.over.set()
    rebuilt()
    assert search(index, "quokka")[0] == "quokka"
    assert gone not in held(index)
    assert_as_if_fresh(index, catalogue, "memory")


def test_a_bulk_import_during_a_rebuild_is_not_lost(
    catalogue: Catalogue, seed_documents: list[Document], pause: Pause
) -> None:
    index = index_of(catalogue, "memory")
    catalogue.put(seed_documents[: 4 * FEW])
    index.now()
    assert pause.reached.wait(TIMEOUT)
    catalogue.put(seed_documents[: 8 * FEW])
    index.now()
    assert [each.name for each in threading.enumerate()].count("index") == 1
    pause.over.set()
    rebuilt()
    assert len(held(index)) == 8 * FEW
    assert_as_if_fresh(index, catalogue, "memory")


def test_a_failed_rebuild_is_tried_again(
    catalogue: Catalogue, seed_documents: list[Document], monkeypatch: pytest.MonkeyPatch
) -> None:
    index = index_of(catalogue, "memory")
    monkeypatch.setattr(index_refresh, "RETRY_SECONDS", 0)
    with monkeypatch.context() as patch:

        def fail(*_: Any, **__: Any) -> Rows:
            raise OSError("I/O error")

        patch.setattr(index_refresh, "load_rows", fail)
        catalogue.put(seed_documents[: 4 * FEW])
        index.now()
        rebuilt()
        assert len(held(index)) == 2 * FEW, "the previous one serves"
        rebuilt()
    index.now()  # without another write
    rebuilt()
    assert len(held(index)) == 4 * FEW


def test_dead_slots_are_cleared_away(catalogue: Catalogue, seed_documents: list[Document]) -> None:
    index = index_of(catalogue)
    for number, each in enumerate(seed_documents[:FEW]):
        catalogue.put([replace(each, text=f"{each.text} Version {number}.")])
        index.now()
        rebuilt()
        snapshot = index.now().snapshot
        dead = len(snapshot.keys) - snapshot.count
        assert dead <= index_refresh.MAX_DEAD_SHARE * len(snapshot.keys)
    assert held(index) == ids(catalogue)
    assert_as_if_fresh(index, catalogue)


def test_a_few_documents_grow_into_many_beside_the_requests(
    open_catalogue: OpenCatalogue, seed_documents: list[Document]
) -> None:
    catalogue = open_catalogue(seed_documents[:5])
    index = index_of(catalogue)
    catalogue.put(seed_documents[: 4 * FEW])
    index.now()
    rebuilt()
    assert held(index) == ids(catalogue)


def test_the_tier_follows_the_size(
    catalogue: Catalogue, seed_documents: list[Document], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, size in {"FTS_DOCUMENTS": 50, "EXACT": 50, "MAX_IN_MEMORY": 70}.items():
        monkeypatch.setattr(index_refresh, name, size)
    index = index_of(catalogue)
    small = index.now().snapshot
    assert (small.bm25, small.codes, small.dense is None) == (None, (), False)
    catalogue.put(seed_documents[: 4 * FEW])
    index.now()
    rebuilt()
    large = index.now().snapshot
    assert large.bm25
    assert large.codes
    assert large.dense is large.latent is None
    assert_as_if_fresh(index, catalogue)
