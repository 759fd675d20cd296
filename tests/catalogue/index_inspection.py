"""Looking into an index from outside: what it finds, and whether it equals one made afresh."""

import threading

import numpy as np

from app.catalogue.index import CatalogueIndex
from app.catalogue.store import Catalogue
from app.recommend.fusion import Fusion
from app.recommend.index import Index
from app.recommend.query import analyze
from app.recommend.ranking import order
from app.recommend.types import Candidates, Keys
from tests.waiting import TIMEOUT

EVERYWHERE = frozenset[str]()
QUESTIONS = (
    "keep bread from going stale",
    "how do computers learn from examples",
    "who can read my password on public wifi",
    "tides of the oceans",
    "light and gravity",
    "a database in one file",
)


def index_of(catalogue: Catalogue, lexical: str = "auto") -> CatalogueIndex:
    """An index made afresh."""
    return CatalogueIndex(catalogue.database, catalogue.models, lexical)


def candidates(
    now: Index, text: str, categories: frozenset[str] = EVERYWHERE, depth: int = 50
) -> Candidates:
    """What an index finds."""
    return now.retrieve(now.probe(analyze(text, now)), depth, categories)


def names(now: Index, keys: Keys) -> list[str]:
    """The ids of documents, in the order of their keys given; those gone are left out."""
    ids = {stored.key: stored.document.id for stored in now.documents(keys)}
    return [ids[key] for key in keys.tolist() if key in ids]


def search(index: CatalogueIndex, text: str, categories: frozenset[str] = EVERYWHERE) -> list[str]:
    """The ids found at this moment, best first."""
    now = index.now()
    found = candidates(now, text, categories)
    return names(now, found.keys[order(Fusion().score(found))])


def held(index: CatalogueIndex) -> set[str]:
    """The ids of all documents the index holds at this moment."""
    now = index.now()
    return set(names(now, now.snapshot.keys[now.snapshot.live]))


def rebuilt() -> None:
    """Wait until no index is being rebuilt in this process."""
    for thread in threading.enumerate():
        if thread.name == "index":
            thread.join(TIMEOUT)
            assert not thread.is_alive()


def assert_as_if_fresh(index: CatalogueIndex, catalogue: Catalogue, lexical: str = "auto") -> None:
    """The index gives the same candidates with the same scores as one opened just now."""
    mine, fresh = index.now(), index_of(catalogue, lexical).now()
    assert held(index) == {document.id for document in catalogue}
    for question in QUESTIONS:
        one, other = candidates(mine, question), candidates(fresh, question)
        np.testing.assert_array_equal(one.keys, other.keys)
        np.testing.assert_array_equal(one.titles, other.titles)
        for leg in ("lexical", "dense", "latent"):
            np.testing.assert_allclose(getattr(one, leg), getattr(other, leg), atol=1e-6)
