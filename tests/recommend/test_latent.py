"""Latent semantic analysis: the same numbers as scikit-learn, stored as data."""

import zlib
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import normalize

from app.recommend.latent import SEED, LatentModel, fit
from app.recommend.text_analysis import STOP_WORDS, stem, stems, words
from app.recommend.types import Document, Floats
from tests.cases import cases


def content_stems(text: str) -> list[str]:
    return [stem(word) for word in words(text) if word not in STOP_WORDS]


@pytest.fixture(scope="module")
def texts(seed_documents: list[Document]) -> list[str]:
    return [each.text for each in seed_documents[::3]]


@pytest.fixture(scope="module")
def model(texts: list[str]) -> LatentModel:
    fitted = fit(texts, 64)
    assert fitted is not None
    return fitted


def by_scikit_learn(texts: list[str], asked: list[str], dimensions: int) -> Floats:
    tfidf = TfidfVectorizer(analyzer=content_stems, sublinear_tf=True, dtype=np.float32)
    svd = TruncatedSVD(dimensions, n_iter=5, random_state=SEED).fit(tfidf.fit_transform(texts))
    found: Floats = normalize(svd.transform(tfidf.transform(asked)))
    return found


def test_project_equals_scikit_learn(texts: list[str], model: LatentModel) -> None:
    asked = [*texts[:20], "keep bread fresh", "who can read my password", "bread bread bread tide"]
    mine = np.stack([model.project(Counter(content_stems(text))) for text in asked])
    np.testing.assert_allclose(mine, by_scikit_learn(texts, asked, 64), atol=1e-4)


def test_stop_words_and_unknown_words_add_nothing(model: LatentModel) -> None:
    plain = model.project(Counter(["bread"]))
    assert (model.project(Counter(["bread", "the", "xyzzy"])) == plain).all()
    assert not model.project(Counter(["xyzzy"])).any()
    assert not model.project({}).any()


def test_a_model_survives_being_kept(model: LatentModel) -> None:
    again = LatentModel.load(model.dump())
    assert again.hash == model.hash
    assert (again.terms, again.surfaces) == (model.terms, model.surfaces)
    assert again.frequencies == model.frequencies
    assert (again.project({"bread": 2}) == model.project({"bread": 2})).all()


def test_fitting_again_gives_the_same_model(texts: list[str], model: LatentModel) -> None:
    again = fit(texts, 64)
    assert again is not None
    assert again.hash == model.hash
    other = fit(texts[:-1], 64)
    assert other is not None
    assert other.hash != model.hash


def test_frequencies_and_surfaces_describe_the_documents(
    texts: list[str], model: LatentModel
) -> None:
    place = model.positions["bread"]
    assert model.frequencies[place] == sum("bread" in content_stems(text) for text in texts)
    assert all(stem(word) == term for term, word in zip(model.terms, model.surfaces, strict=True))


@pytest.mark.parametrize("texts", [[], [""], ["the and of"], ["bread"], ["bread bread", "bread"]])
def test_too_few_words_give_no_model(texts: list[str]) -> None:
    assert fit(texts) is None


def test_two_small_texts_are_enough() -> None:
    model = fit(["fresh bread", "high tide"])
    assert model is not None
    assert model.width == 1
    assert np.linalg.norm(model.project({"bread": 1})) == pytest.approx(1)


def test_texts_all_alike_still_give_a_model() -> None:
    model = fit(["fresh bread"] * 5)
    assert model is not None
    assert np.isfinite(model.components).all()
    assert np.linalg.norm(model.project({"bread": 1})) == pytest.approx(1)


def damaged(artefact: bytes, seed: int) -> bytes:
    place = zlib.crc32(b"%d" % seed) % len(artefact)
    return artefact[:place] + bytes([artefact[place] ^ 0xFF]) + artefact[place + 1 :]


@given(seed=st.integers(0, 10_000))
def test_a_damaged_model_is_refused_or_harmless(model: LatentModel, seed: int) -> None:
    try:
        loaded = LatentModel.load(damaged(model.dump(), seed))
    except ValueError:
        return
    assert loaded.hash == model.hash


@cases("artefact", [b"", b"nonsense", b"PK\x03\x04nonsense", b"\x80\x04."])
def test_what_is_no_model_is_refused(artefact: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        LatentModel.load(artefact)


def test_documents_and_queries_share_one_analysis() -> None:
    assert set(content_stems("The bread keeps")) <= set(stems("The bread keeps"))
