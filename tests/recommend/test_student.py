"""The student: what it sends where, and which artefacts it is read from."""

import json
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from safetensors.numpy import load, save

from app.recommend.artefact import ArtefactRefused
from app.recommend.embedding import JoinedEmbedder, StaticEmbedder, check
from app.recommend.student import SHARE, StudentEmbedder, StudentModel
from app.recommend.types import Floats

TERMS = ("bread", "stale", "star")
IDF = np.array([1, 2, 2], np.float32)
WEIGHTS = np.array([[1, 0], [1, 0], [0, 1]], np.float16)
NOTHING = np.zeros(2, np.float32)


def student(weights: np.ndarray = WEIGHTS, intercept: Floats = NOTHING) -> StudentModel:
    return StudentModel.of(TERMS, (IDF, weights, intercept), ("tiny", "f00d"))


class Teacher:
    """Sends every document to the same place."""

    name, version, width, quick, weight = "tiny", "1", 2, False, 0.45

    def __init__(self, identity: str = "f00d") -> None:
        self.hash, self.embedded = identity, 0

    def embed(self, texts: Sequence[str]) -> Floats:
        self.embedded += len(texts)
        return np.tile(np.array([0.6, 0.8], np.float32), (len(texts), 1))

    embed_queries = embed


def test_a_text_is_sent_to_the_weighted_sum_of_its_terms() -> None:
    vector = student().project("The stale bread and a stale star")
    tf_idf = np.array([1, 2 * (1 + np.log(2)), 2])
    expected = np.array([tf_idf[0] + tf_idf[1], tf_idf[2]])
    np.testing.assert_allclose(vector, expected / np.linalg.norm(expected), rtol=1e-5)
    moved = student(intercept=np.array([0, 1], np.float32)).project("bread")
    np.testing.assert_allclose(moved, [2**-0.5, 2**-0.5], rtol=1e-5)


@pytest.mark.parametrize("text", ["", "the of and", "zebra", "☃"])
def test_a_text_without_known_terms_is_zero(text: str) -> None:
    assert not student(intercept=np.ones(2, np.float32)).project(text).any()


def test_queries_are_encoded_by_the_student_and_documents_by_its_teacher(
    static_embedder: StaticEmbedder,
) -> None:
    teacher = Teacher()
    embedder = StudentEmbedder(student(), static_embedder, lambda: teacher)
    check(embedder)
    assert teacher.embedded == 0, "a service that writes no document needs no teacher"
    queries, documents = embedder.embed_queries(["bread", "zebra"]), embedder.embed(["bread"])
    assert teacher.embedded == 1
    assert float(queries[0] @ documents[0]) == pytest.approx(SHARE * 0.6 + (1 - SHARE) * 1)
    assert float(np.linalg.norm(queries[1])) == pytest.approx(1), "static embeddings know the word"


def test_the_cosine_of_joined_encoders_is_the_weighted_mean_of_both(
    static_embedder: StaticEmbedder,
) -> None:
    both = JoinedEmbedder(Teacher(), static_embedder, 0.7)
    check(both)
    query, document = both.embed_queries(["bread"])[0], both.embed(["loaf"])[0]
    bread, loaf = static_embedder.embed(["bread", "loaf"])
    assert float(query @ document) == pytest.approx(0.7 + 0.3 * float(bread @ loaf), abs=1e-6)
    assert not both.quick, "the slower one decides"
    assert both.hash != JoinedEmbedder(Teacher(), static_embedder, 0.5).hash
    assert both.hash != JoinedEmbedder(Teacher("another"), static_embedder, 0.7).hash


@pytest.mark.parametrize("identity", [None, "another"])
def test_without_its_teacher_the_student_encodes_documents(
    static_embedder: StaticEmbedder, identity: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    def load_teacher() -> Teacher:
        if identity is None:
            raise ArtefactRefused("not installed")
        return Teacher(identity)

    embedder = StudentEmbedder(student(), static_embedder, load_teacher)
    assert (embedder.embed(["bread"]) == embedder.embed_queries(["bread"])).all()
    assert "encoded by the student" in caplog.text


def test_a_model_is_the_same_after_dump_and_load() -> None:
    model = student()
    again = StudentModel.load(model.dump())
    assert again.dump() == model.dump()
    assert (again.hash, again.terms, again.teacher) == (model.hash, TERMS, "tiny")
    assert again.hash != student(weights=WEIGHTS * 2).hash


def changed(change: Callable[[dict[str, np.ndarray], dict[str, object]], object]) -> bytes:
    artefact = student().dump()
    arrays, length = dict(load(artefact)), int.from_bytes(artefact[:8], "little")
    about = json.loads(json.loads(artefact[8 : 8 + length])["__metadata__"]["about"])
    change(arrays, about)
    return save(arrays, {"about": json.dumps(about)})


@pytest.mark.parametrize(
    ("artefact", "why"),
    [
        (b"", "not a query encoder"),
        (b"\x00" * 100, "not a query encoder"),
        (student().dump()[:-3], "not a query encoder"),
        (save({"idf": IDF}), "not a query encoder"),
        (changed(lambda arrays, _: arrays.pop("idf")), "not a query encoder"),
        (changed(lambda _, about: about.update(format=2)), "format is 2"),
        (changed(lambda _, about: about.update(teacher="x")), "checksum"),
        (changed(lambda arrays, _: arrays.update(idf=IDF * 2)), "checksum"),
        (student().dump().replace(WEIGHTS.tobytes(), (WEIGHTS * 3).tobytes()), "checksum"),
    ],
)
def test_a_bad_artefact_is_refused(artefact: bytes, why: str) -> None:
    with pytest.raises(ArtefactRefused, match=why):
        StudentModel.load(artefact)


@pytest.mark.parametrize("value", [np.nan, np.inf, 2e4])
def test_coefficients_that_are_no_numbers_are_refused(value: float) -> None:
    with pytest.raises(ArtefactRefused, match="at most"):
        student(weights=np.full((3, 2), value, np.float16))


def test_shapes_must_match() -> None:
    with pytest.raises(ArtefactRefused, match="shapes"):
        student(weights=WEIGHTS[:2])
