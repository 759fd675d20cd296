"""Static embeddings: the vectors of the model they are taken from; never NaN."""

import hashlib
from importlib.metadata import distribution
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.recommend.embedding import PACKAGE, WEIGHTS, StaticEmbedder
from tests.cases import cases

GOLDEN = {
    "keep bread from going stale": (0.0616269, 0.1250070, -0.0500154, -0.0176169, 0.0687324),
    "gradient-boosted trees": (-0.1153465, 0.1104667, -0.0069797, 0.0636420, 0.0324660),
    "Kubernetes": (0.0252595, 0.0224486, -0.0445931, 0.0067471, 0.0246319),
    "Über naïve café": (-0.0628136, -0.1152601, 0.0457994, -0.0076505, 0.0311703),
    "русский текст": (-0.1448151, 0.1546202, 0.0655764, 0.0010446, 0.0394106),
    "SELECT count(*) FROM spans": (-0.0677035, 0.0652296, 0.0644252, 0.0060692, -0.1353239),
}
"""Every 64th number of the vector, and its product with the diagonal unit vector. Made with the
tokenizer and table that `WordLlama.load` of wordllama 0.4.0.post1 gives."""
UNKNOWN = ("", " ", "\n\t", "\x00", "☃", "አማርኛ", "ᏣᎳᎩ")
"""Nothing, blanks, scripts and signs that are not in the vocabulary."""


@cases("text", GOLDEN)
def test_vectors_are_those_of_wordllama(static_embedder: StaticEmbedder, text: str) -> None:
    (vector,) = static_embedder.embed([text])
    assert vector.shape == (256,)
    found = [*vector[::64].tolist(), float(vector.sum(dtype=np.float64)) / 16]
    np.testing.assert_allclose(found, GOLDEN[text], rtol=0, atol=1e-6)


def test_the_weights_are_the_ones_that_figures_were_measured_with() -> None:
    weights = Path(str(distribution(PACKAGE).locate_file(WEIGHTS))).read_bytes()
    expected = "64b47a2dc493cb8e85944076601189739852d7b64e0e1eedcb1937a251cd9fd5"
    assert hashlib.sha256(weights).hexdigest() == expected


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=60), max_size=4))
def test_vectors_are_unit_or_zero_and_the_same_in_a_batch(
    static_embedder: StaticEmbedder, texts: list[str]
) -> None:
    vectors = static_embedder.embed(texts)
    assert vectors.shape == (len(texts), static_embedder.width)
    for text, vector in zip(texts, vectors, strict=True):
        length = float(np.linalg.norm(vector))
        assert length == 0 or length == pytest.approx(1, abs=1e-5)
        np.testing.assert_allclose(static_embedder.embed([text])[0], vector, atol=1e-6)


def test_a_text_without_known_tokens_is_zero(static_embedder: StaticEmbedder) -> None:
    assert not static_embedder.embed(UNKNOWN).any()


@cases("unknown", ["☃", "አማርኛ", "   "])
def test_unknown_tokens_add_nothing_to_a_vector(
    static_embedder: StaticEmbedder, unknown: str
) -> None:
    plain, mixed = static_embedder.embed(["fresh bread", f"fresh bread {unknown}"])
    np.testing.assert_allclose(mixed, plain, atol=1e-6)


def test_meaning_is_nearer_than_chance(static_embedder: StaticEmbedder) -> None:
    loaf, dough, galaxy = static_embedder.embed(
        ["fresh bread loaf", "baking dough", "distant galaxy"]
    )
    assert loaf @ dough > loaf @ galaxy + 0.2


def test_another_instance_is_the_same_model(static_embedder: StaticEmbedder) -> None:
    other = StaticEmbedder()
    assert other.hash == static_embedder.hash
    assert (other.embed(["keep bread fresh"]) == static_embedder.embed(["keep bread fresh"])).all()
