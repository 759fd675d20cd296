"""The query encoder: a student that sends a query straight into the space of a transformer.

The transformer (the teacher) embeds documents, once. The student predicts its vector of a short
text from the text's TF-IDF weights by a ridge regression, which `app/model/distillation.py` fits on
the catalogue. Serving sums the few rows of the query's terms: no transformer, 0.05 ms.

The static embeddings are appended to both, because they know words that the catalogue lacks: the
cosine of the joint vectors is a weighted mean of both cosines.
"""

import json
import logging
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from app.recommend.artefact import ArtefactRefused
from app.recommend.dense import unit
from app.recommend.embedding import Embedder, joined
from app.recommend.text_analysis import STOP_WORDS, stem, words
from app.recommend.types import Floats

log = logging.getLogger(__name__)
FORMAT = 1
SHARE = 0.3
"""Weight of the student's cosine; that of the static embeddings is the rest. Among .3, .4, .5, .7
and 1 the best for the mean of three public collections, though not for the seed catalogue."""
WITHOUT_TEACHER = "documents are encoded by the student, less exactly than by its teacher"
LARGEST = 1e3
"""Upper limit of valid coefficients, which are stored as float16."""


def terms_of(text: str) -> list[str]:
    """The stems of a text without stop words: what the student sees of it."""
    return [stem(word) for word in words(text) if word not in STOP_WORDS]


@dataclass(frozen=True, slots=True, eq=False)
class StudentModel:
    """A fitted student of t terms, in the teacher's space of d dimensions.

    `terms` (stems), `idf` (t,) and `weights` (t, d) are parallel; `intercept` (d,); `teacher` and
    `teacher_hash` identify the transformer; `hash` identifies all of it.
    """

    terms: tuple[str, ...]
    positions: Mapping[str, int]
    idf: Floats
    weights: NDArray[np.float16]
    intercept: Floats
    teacher: str
    teacher_hash: str
    hash: str

    @property
    def name(self) -> str:
        return f"student-of-{self.teacher}"

    @property
    def width(self) -> int:
        return len(self.intercept)

    @classmethod
    def of(
        cls,
        terms: Sequence[str],
        arrays: tuple[Floats, NDArray[np.float16], Floats],
        teacher: tuple[str, str],
    ) -> "StudentModel":
        """From terms, (idf, weights, intercept) and the teacher's (name, hash)."""
        return cls.load(_dump(terms, arrays, teacher))

    def project(self, text: str) -> Floats:
        """The unit vector (d,) of a text; zeros if no term is known."""
        known = [
            (self.positions[term], count)
            for term, count in Counter(terms_of(text)).items()
            if term in self.positions
        ]
        if not known:
            return np.zeros(self.width, np.float32)
        rows = [row for row, _ in known]
        tf = np.array([1 + math.log(count) for _, count in known], np.float32)
        weighted = unit(tf * self.idf.take(rows))
        return unit(weighted @ self.weights.take(rows, axis=0).astype(np.float32) + self.intercept)

    def dump(self) -> bytes:
        """The model in the safetensors format; the same model gives the same bytes."""
        arrays = (self.idf, self.weights, self.intercept)
        return _dump(self.terms, arrays, (self.teacher, self.teacher_hash))

    @classmethod
    def load(cls, artefact: bytes) -> "StudentModel":
        """The inverse of `dump`. Raises ArtefactRefused, which says what is wrong."""
        try:
            about = json.loads(_metadata(artefact))
            layout, *teacher = (about[each] for each in ("format", "teacher", "teacher_hash"))
            arrays = load(artefact)
            checksum = _checksum(arrays, *teacher)
            terms = arrays["terms"].tobytes().decode().split("\n")
            idf, weights, intercept = arrays["idf"], arrays["weights"], arrays["intercept"]
        except (SafetensorError, KeyError, TypeError, ValueError, RecursionError) as error:
            raise ArtefactRefused(f"it is incomplete or not a query encoder: {error!r}") from error
        if layout != FORMAT:
            raise ArtefactRefused(f"its format is {layout!r}, not {FORMAT}")
        if checksum != about.get("checksum"):
            raise ArtefactRefused("its checksum is wrong: it was changed or is incomplete")
        if (idf.shape, weights.shape) != ((len(terms),), (len(terms), len(intercept))):
            raise ArtefactRefused("the shapes of its arrays do not match")
        for each in (idf, weights, intercept):
            if not bool((np.abs(each) <= LARGEST).all()):
                raise ArtefactRefused(f"a coefficient is not a number of at most {LARGEST:g}")
        positions = {term: row for row, term in enumerate(terms)}
        return cls(
            tuple(terms), positions, idf, weights, intercept,
            str(teacher[0]),
            str(teacher[1]), checksum[:16],
        )  # fmt: skip


def _dump(
    terms: Sequence[str],
    arrays: tuple[Floats, NDArray[np.float16], Floats],
    teacher: tuple[str, str],
) -> bytes:
    idf, weights, intercept = arrays
    tensors: dict[str, NDArray[Any]] = {
        "terms": np.frombuffer("\n".join(terms).encode(), np.uint8),
        "idf": idf,
        "weights": weights,
        "intercept": intercept,
    }
    about = {
        "format": FORMAT,
        "teacher": teacher[0],
        "teacher_hash": teacher[1],
        "checksum": _checksum(tensors, *teacher),
    }
    # One entry, because safetensors writes several in any order.
    return save(tensors, {"about": json.dumps(about, sort_keys=True)})


def _metadata(artefact: bytes) -> str:
    header = json.loads(artefact[8 : 8 + int.from_bytes(artefact[:8], "little")])
    return str(header["__metadata__"]["about"])


def _checksum(arrays: Mapping[str, NDArray[Any]], *about: str) -> str:
    digest = sha256("\n".join(map(str, about)).encode())
    for name in sorted(arrays):
        digest.update(f"{name} {arrays[name].shape} {arrays[name].dtype}".encode())
        digest.update(np.ascontiguousarray(arrays[name]).tobytes())
    return digest.hexdigest()


class StudentEmbedder:
    """Implements `Embedder`: the student encodes queries, its teacher documents.

    `teacher` loads the transformer, at the first document. Where it is missing or another one, the
    student encodes documents too, which is less exact.
    """

    version, quick, weight = "1", True, 0.35

    def __init__(
        self, model: StudentModel, static: Embedder, teacher: Callable[[], Embedder]
    ) -> None:
        self._model, self._static, self._load = model, static, teacher
        self.name = model.name
        self.width = model.width + static.width
        self.hash = sha256(f"{model.hash} {static.hash} {SHARE}".encode()).hexdigest()[:16]

    @property
    def teacher_width(self) -> int:
        """Dimensions of the student's or teacher's part, which a vector begins with."""
        return self._model.width

    def by_teacher(self) -> "StudentEmbedder":
        """The same encoder whose teacher encodes queries too. Raises ArtefactRefused without it."""
        if (teacher := self._teacher) is None:
            raise ArtefactRefused("its teacher is not installed, or is another one")
        return _ByTeacher(self._model, self._static, lambda: teacher)

    def embed(self, texts: Sequence[str]) -> Floats:
        """Unit vectors (n, width) of documents; zeros without known tokens."""
        if not texts:
            return np.zeros((0, self.width), np.float32)
        teacher = self._teacher
        return self._joint(
            self._students(texts) if teacher is None else teacher.embed(texts), texts
        )

    def embed_queries(self, texts: Sequence[str]) -> Floats:
        """Unit vectors (n, width) of queries; zeros without known tokens."""
        return self._joint(self._students(texts), texts)

    @cached_property
    def _teacher(self) -> Embedder | None:
        try:
            teacher = self._load()
        except ArtefactRefused as error:
            log.warning("%s: %s", WITHOUT_TEACHER, error)
            return None
        if teacher.hash != self._model.teacher_hash:
            log.warning("%s: the installed one is another (%s)", WITHOUT_TEACHER, teacher.hash)
            return None
        return teacher

    def _students(self, texts: Sequence[str]) -> Floats:
        return np.array([self._model.project(each) for each in texts], np.float32)

    def _joint(self, first: Floats, texts: Sequence[str]) -> Floats:
        return joined(first, self._static.embed_queries(texts), SHARE)


class _ByTeacher(StudentEmbedder):
    def embed_queries(self, texts: Sequence[str]) -> Floats:
        teacher = self._teacher
        if teacher is None:
            raise ArtefactRefused("it has no teacher")
        return self._joint(teacher.embed_queries(texts), texts)
