"""Static embeddings: the same vector for the same text, however it is asked for; never NaN."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.recommend.embedding import StaticEmbedder


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=60), max_size=4))
def test_vectors_are_unit_or_zero_and_the_same_in_a_batch(
    embedder: StaticEmbedder, texts: list[str]
) -> None:
    vectors = embedder.embed(texts)
    assert vectors.shape == (len(texts), embedder.dimensions)
    for text, vector in zip(texts, vectors, strict=True):
        length = float(np.linalg.norm(vector))
        assert length == 0 or length == pytest.approx(1, abs=1e-5)
        np.testing.assert_allclose(embedder.embed_one(text), vector, atol=1e-6)


def test_a_text_without_words_says_nothing(embedder: StaticEmbedder) -> None:
    assert not embedder.embed_one("").any()
    assert not embedder.embed(["", "the"])[0].any()


def test_meaning_is_nearer_than_chance(embedder: StaticEmbedder) -> None:
    loaf, dough, galaxy = embedder.embed(["fresh bread loaf", "baking dough", "distant galaxy"])
    assert loaf @ dough > loaf @ galaxy + 0.2


def test_another_instance_is_the_same_model(embedder: StaticEmbedder) -> None:
    other = StaticEmbedder()
    assert other.hash == embedder.hash
    assert (other.embed_one("keep bread fresh") == embedder.embed_one("keep bread fresh")).all()
