"""Distillation: a student of a tiny transformer, from the catalogue to the running service."""

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from app.catalogue.index import CatalogueIndex
from app.cli import cli
from app.composition import chosen_encoder, open_catalogue
from app.model.distillation import Remembering, Sample, TooFewDocuments, distill
from app.model.encoders import load_encoder, student_path
from app.recommend.dense import unit
from app.recommend.embedding import StaticEmbedder
from app.recommend.stages import DISTILL, EMBED_SAMPLE
from app.recommend.student import StudentEmbedder
from app.recommend.transformer import TransformerEmbedder
from app.recommend.types import Document
from app.settings import Settings
from tests.fakes import RecordingStages
from tests.recommend.tiny_transformer import write_transformer

DOCUMENTS = 50


@pytest.fixture(scope="module")
def teacher_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_transformer(tmp_path_factory.mktemp("teachers") / "tiny")


@pytest.fixture
def data(tmp_path: Path, seed_documents: list[Document]) -> Path:
    """A data folder with a catalogue of short documents."""
    catalogue = open_catalogue(tmp_path)
    catalogue.ensure_models()
    catalogue.put(short(seed_documents))
    catalogue.ensure_models()
    catalogue.database.close()
    return tmp_path


def short(documents: list[Document]) -> list[Document]:
    return [Document(each.id, each.title, each.text[:120]) for each in documents[:DOCUMENTS]]


@pytest.mark.lasting
def test_a_student_is_near_its_teacher_and_the_same_each_time(
    teacher_folder: Path, seed_documents: list[Document]
) -> None:
    sample = Sample.of(short(seed_documents))
    teacher, stages = TransformerEmbedder(teacher_folder), RecordingStages()
    counted: list[int] = []
    model = distill(sample, Remembering(teacher, counted.append), stages)
    assert stages.names == [EMBED_SAMPLE, DISTILL]
    assert sum(counted) == len(set(sample.texts))
    again = distill(sample, teacher, RecordingStages())
    assert model.dump() == again.dump()
    titles = [each.title for each in short(seed_documents)]
    exact, known = teacher.embed(titles), np.array([model.project(each) for each in titles])
    moved = [unit(each - exact.mean(axis=0)) for each in (exact, known)]
    alike = moved[0] @ moved[1].T
    assert np.diag(alike).mean() > 0.8
    assert alike.mean() < 0.2


def test_texts_to_learn_from_are_documents_titles_spans_and_words() -> None:
    documents = [
        Document(str(number), f"title{number}", " ".join(f"word{number}x{n}" for n in range(40)))
        for number in range(12)
    ]
    sample = Sample.of(documents)
    assert sample.texts[0] == f"title0 {documents[0].text}"
    assert sample.texts[12] == "title0"
    spans = sample.texts[24 : 24 + 12 * 41 // 8]
    assert all(3 <= len(each.split()) <= 24 for each in spans)
    assert set(sample.texts[24 + len(spans) :]) >= {"title3", "word3x7"}
    assert sample.weights.tolist() == [1.0] * (24 + len(spans)) + [0.5] * 12 * 41
    assert Sample.of(documents).texts == sample.texts
    with pytest.raises(TooFewDocuments, match="9 documents"):
        Sample.of(documents[:9])


@pytest.mark.lasting
def test_from_the_command_to_the_service(
    data: Path, teacher_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VITRINE_DATA", str(data))
    monkeypatch.setenv("VITRINE_TEACHER", str(teacher_folder))
    monkeypatch.setenv("VITRINE_TELEMETRY__ENABLED", "false")
    result = CliRunner().invoke(cli, ["distill"])
    assert result.exit_code == 0, result.output
    artefact = student_path(data).read_bytes()
    assert CliRunner().invoke(cli, ["distill"]).exit_code == 0
    assert student_path(data).read_bytes() == artefact

    unchanged = open_catalogue(data)  # what serves with static embeddings goes on
    assert isinstance(unchanged.models.embedder, StaticEmbedder)
    assert not unchanged.ensure_models()
    unchanged.database.close()

    loaded = chosen_encoder(Settings(encoder="student"))
    assert isinstance(loaded.embedder, StudentEmbedder)
    assert loaded.problem == ""
    catalogue = open_catalogue(data, encoder=loaded.embedder)
    embedded: list[int] = []
    assert catalogue.ensure_models(embedded.append)
    assert sum(embedded) == 0, "the command has embedded the documents already"
    index = CatalogueIndex(catalogue.database, catalogue.models).now()
    assert index.snapshot.dense is not None
    assert index.snapshot.dense.shape == (DOCUMENTS, loaded.embedder.width)
    catalogue.database.close()


@pytest.mark.parametrize(
    ("choice", "content", "problem"),
    [
        ("student", None, "python -m app distill"),
        ("student", b"half", "incomplete"),
        ("teacher", None, "is not a folder"),
    ],
)
def test_what_cannot_be_loaded_is_named_and_static_embeddings_serve(
    tmp_path: Path, choice: str, content: bytes | None, problem: str,
    static_embedder: StaticEmbedder, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    if content is not None:
        student_path(tmp_path).write_bytes(content)
    loaded = load_encoder(choice, tmp_path, tmp_path / "missing", lambda: static_embedder)
    assert loaded.embedder is static_embedder
    assert problem in loaded.problem
    assert problem in caplog.text


def test_a_student_without_its_teacher_serves_and_says_so(
    data: Path, teacher_folder: Path, static_embedder: StaticEmbedder
) -> None:
    catalogue = open_catalogue(data)
    model = distill(Sample.of(catalogue), TransformerEmbedder(teacher_folder), RecordingStages())
    catalogue.database.close()
    student_path(data).write_bytes(model.dump())
    loaded = load_encoder("student", data, data / "missing", lambda: static_embedder)
    assert isinstance(loaded.embedder, StudentEmbedder)
    assert "encoded by the student" in loaded.problem
