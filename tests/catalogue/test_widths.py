"""Embedding models of any width are searched without loss, or refused with a sentence."""

from collections.abc import Sequence

import numpy as np
import pytest

from app.catalogue import index_refresh
from app.catalogue.store import Catalogue
from app.catalogue.vectors import Models
from app.recommend.dense import best, cosine
from app.recommend.embedding import EmbedderRefused, StaticEmbedder, check
from app.recommend.types import Document, Floats
from tests.cases import cases
from tests.catalogue.index_inspection import QUESTIONS, candidates, index_of
from tests.fakes import Projected
from tests.opening import OpenCatalogue


@pytest.mark.parametrize("width", [255, 384, 768, 1024])
@pytest.mark.lasting
def test_the_first_pass_loses_next_to_nothing(
    monkeypatch: pytest.MonkeyPatch,
    open_catalogue: OpenCatalogue,
    seed_documents: Sequence[Document],
    static_embedder: StaticEmbedder,
    width: int,
) -> None:
    monkeypatch.setattr(index_refresh, "EXACT", 0)  # sign codes first, whatever the size
    made = open_catalogue(seed_documents)
    catalogue = Catalogue(made.database, Models(Projected(static_embedder, width)))
    catalogue.ensure_models()
    now, recalled = index_of(catalogue).now(), []
    assert now.snapshot.codes
    assert now.snapshot.dense is not None
    for question in QUESTIONS:
        query = catalogue.models.embedder.embed([question])[0]
        exact = now.snapshot.keys[best(cosine(now.snapshot.dense, query), 20)]
        found = candidates(now, question, depth=20)
        recalled.append(np.isin(exact, found.keys).mean())
    assert np.mean(recalled) > 0.9


class Wrong:
    """A model that gives these vectors for two texts, and declares a width of 4."""

    name, version, hash, width, quick, weight = "wrong", "1", "", 4, True, 0.35

    def __init__(self, vectors: Floats) -> None:
        self._vectors = vectors

    def embed(self, _: Sequence[str]) -> Floats:
        return self._vectors

    embed_queries = embed


@cases(
    ("vectors", "sentence"),
    [
        (np.eye(2, 5, dtype=np.float32), r"gives vectors \(2, 5\) for 2 texts, not \(2, 4\)"),
        (np.eye(1, 4, dtype=np.float32), r"gives vectors \(1, 4\)"),
        (np.eye(2, 4), "gives float64, not float32"),
        (np.full((2, 4), np.nan, np.float32), "not finite"),
        (np.ones((2, 4), np.float32), "length is neither 1 nor 0"),
    ],
)
def test_a_model_that_breaks_its_word_is_refused(vectors: Floats, sentence: str) -> None:
    with pytest.raises(EmbedderRefused, match=f"The embedding model wrong 1 .*{sentence}"):
        check(Wrong(vectors))
