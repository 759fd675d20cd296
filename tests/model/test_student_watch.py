"""The student is compared with its teacher; one that is wrong is seen, and so is a missing one."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from app.catalogue.index import CatalogueIndex
from app.composition import open_catalogue
from app.model.distillation import Sample, distill
from app.model.student_watch import StudentComparison, StudentWatch, compare
from app.recommend.artefact import ArtefactRefused
from app.recommend.embedding import Embedder, StaticEmbedder
from app.recommend.query import analyze
from app.recommend.stages import COMPARE_STUDENT
from app.recommend.student import StudentEmbedder, StudentModel
from app.recommend.transformer import TransformerEmbedder
from app.recommend.types import Document
from tests.fakes import RecordingStages
from tests.recommend.tiny_transformer import write_transformer
from tests.waiting import until

TEXTS = ("stale bread", "how computers share files", "tide and the Moon", "heat of an oven")


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Embedder:
    """A transformer of a few dimensions."""
    return TransformerEmbedder(write_transformer(tmp_path_factory.mktemp("teachers") / "tiny"))


@pytest.fixture(scope="module")
def model(teacher: Embedder, seed_documents: list[Document]) -> StudentModel:
    return distill(Sample.of(short(seed_documents)), teacher, RecordingStages())


@pytest.fixture
def index(
    tmp_path: Path,
    teacher: Embedder,
    model: StudentModel,
    static_embedder: StaticEmbedder,
    seed_documents: list[Document],
) -> Iterator[CatalogueIndex]:
    """An index whose documents the teacher has encoded."""
    student = StudentEmbedder(model, static_embedder, lambda: teacher)
    catalogue = open_catalogue(tmp_path, encoder=student)
    catalogue.ensure_models()
    catalogue.put(short(seed_documents))
    catalogue.ensure_models()
    yield CatalogueIndex(catalogue.database, catalogue.models)
    catalogue.database.close()


def short(documents: list[Document]) -> list[Document]:
    return [Document(each.id, each.title, each.text[:120]) for each in documents[:50]]


def compared(index: CatalogueIndex, student: Embedder) -> list[StudentComparison]:
    """The comparisons of the texts, encoded as a request does it."""
    assert isinstance(student, StudentEmbedder)
    now = index.now()
    serving, found = now.with_embedder(student), []
    for text in TEXTS:
        query = analyze(text, serving)
        found.append(compare(student, now, query, serving.probe(query).dense))
    return found


def means(found: list[StudentComparison]) -> tuple[float, float]:
    return (
        float(np.mean([each.cosine for each in found if each.cosine is not None])),
        float(np.mean([each.overlap for each in found if each.overlap is not None])),
    )


def test_a_wrong_student_is_further_from_its_teacher_than_a_right_one(
    index: CatalogueIndex,
    model: StudentModel,
    teacher: Embedder,
    static_embedder: StaticEmbedder,
) -> None:
    right = index.now().embedder
    cosine, overlap = means(compared(index, right))
    assert cosine > 0.9
    assert overlap > 0.5
    assert isinstance(right, StudentEmbedder)
    assert means(compared(index, right.by_teacher())) == pytest.approx((1, 1))
    shuffled = model.weights[np.random.default_rng(1).permutation(len(model.weights))]
    arrays = (model.idf, shuffled - model.weights.mean(axis=0), -model.intercept)
    damaged = StudentModel.of(model.terms, arrays, (model.teacher, model.teacher_hash))
    wrong = StudentEmbedder(damaged, static_embedder, lambda: teacher)
    worse_cosine, worse_overlap = means(compared(index, wrong))
    assert worse_cosine < cosine - 0.3
    assert worse_overlap < overlap - 0.1


def test_without_its_teacher_the_comparison_fails_visibly(
    index: CatalogueIndex, model: StudentModel, static_embedder: StaticEmbedder
) -> None:
    def missing() -> Embedder:
        raise ArtefactRefused("it is not installed")

    alone = StudentEmbedder(model, static_embedder, missing)
    found = compared(index, alone)
    assert all(isinstance(each.failure, ArtefactRefused) for each in found)
    assert {(each.cosine, each.overlap) for each in found} == {(None, None)}


def test_a_share_is_compared_in_a_thread(index: CatalogueIndex) -> None:
    stages, student = RecordingStages(), index.now().embedder
    assert isinstance(student, StudentEmbedder)
    watch = StudentWatch(0.5, student, index, stages, lambda: "trace")
    watch.start()
    query = analyze(TEXTS[0], index.now())
    for _ in range(4):
        watch.answered(query, index.now().probe(query).dense)
    until(lambda: len(stages.seen) == 2)
    watch.close()
    results = [each.result for each in stages.seen if each.name == COMPARE_STUDENT]
    assert [each.trace for each in results if isinstance(each, StudentComparison)] == ["trace"] * 2
