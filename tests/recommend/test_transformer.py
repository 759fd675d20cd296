"""The transformer in numpy: its figures, long texts, unknown tokens, unusable folders."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from app.model.encoders import MODEL, load_teacher
from app.recommend.artefact import ArtefactRefused
from app.recommend.transformer import TransformerEmbedder, gelu
from tests.recommend.tiny_transformer import WIDTH, WINDOW, write_transformer


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_transformer(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def tiny(folder: Path) -> TransformerEmbedder:
    return TransformerEmbedder(folder)


def test_gelu_is_x_times_the_normal_distribution() -> None:
    values = np.linspace(-8, 8, 1001)
    exact = [x * (1 + math.erf(x / math.sqrt(2))) / 2 for x in values]
    np.testing.assert_allclose(gelu(values.astype(np.float32)), exact, atol=1e-6)


def test_vectors_are_unit_and_do_not_depend_on_the_batch(tiny: TransformerEmbedder) -> None:
    texts = ["stale bread", "a star", "bread stale"]
    vectors = tiny.embed(texts)
    assert vectors.shape == (3, WIDTH)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    for text, vector in zip(texts, vectors, strict=True):
        assert (tiny.embed([text])[0] == vector).all()
    assert float(vectors[0] @ vectors[2]) < 0.9999, "the order of words counts"


def test_unknown_tokens_add_nothing(tiny: TransformerEmbedder) -> None:
    plain, mixed, unknown, empty = tiny.embed(["bread", "☃ bread አማርኛ", "☃ አማርኛ", ""])
    assert (plain == mixed).all()
    assert not unknown.any()
    assert not empty.any()


def test_a_long_text_is_the_mean_of_its_windows(tiny: TransformerEmbedder) -> None:
    size = WINDOW - 2  # letters; two tokens mark the ends
    text = "a" * size, "b" * size
    parts = tiny.embed(text)
    (whole,) = tiny.embed([" ".join(text)])
    mean = parts.mean(axis=0)
    np.testing.assert_allclose(whole, mean / np.linalg.norm(mean), atol=1e-6)


def test_prompts_and_pooling_of_the_model_are_used(tmp_path: Path) -> None:
    folder = write_transformer(tmp_path / "prompted")
    plain = TransformerEmbedder(folder)
    prompts = {"prompts": {"query": "ask ", "passage": "tell "}}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(prompts))
    prompted = TransformerEmbedder(folder)
    assert (prompted.embed_queries(["bread"]) == plain.embed(["ask bread"])).all()
    assert (prompted.embed(["bread"]) == plain.embed(["tell bread"])).all()
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text('{"pooling_mode_cls_token": true}')
    assert (TransformerEmbedder(folder).embed(["bread"]) != prompted.embed(["bread"])).any()


def test_the_hash_is_that_of_the_files(folder: Path, tmp_path: Path) -> None:
    same = TransformerEmbedder(write_transformer(tmp_path / "same"))
    other = TransformerEmbedder(write_transformer(tmp_path / "other", seed=1))
    assert same.hash == TransformerEmbedder(folder).hash != other.hash


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("config.json", b"{"),
        ("config.json", b'{"model_type": "t5"}'),
        ("tokenizer.json", b"{}"),
        ("model.safetensors", b"\xff" * 40),
        ("model.safetensors", None),
    ],
)
def test_an_unusable_folder_is_refused(tmp_path: Path, file: str, content: bytes | None) -> None:
    folder = write_transformer(tmp_path / "broken")
    if content is None:
        (folder / file).unlink()
    else:
        (folder / file).write_bytes(content)
    with pytest.raises(ArtefactRefused, match="broken"):
        TransformerEmbedder(folder)


def test_minilm_knows_what_is_alike() -> None:
    """Golden numbers: every 96th of the vector, as torch gives them."""
    try:
        minilm = load_teacher(None)
    except ArtefactRefused as error:
        pytest.skip(str(error))
    assert minilm.name == MODEL
    question, answer, other = minilm.embed(
        ["How do I keep bread fresh?", "Keeping a loaf from going stale", "Stars collapse"]
    )
    assert float(question @ answer) == pytest.approx(0.7402, abs=1e-3)
    assert float(question @ other) < 0.2
