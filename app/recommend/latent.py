"""The latent leg: latent semantic analysis, fitted on the catalogue with scikit-learn.

TF-IDF and TruncatedSVD are fitted at index time and stored as arrays with their hash, because
another fit would rank differently. Serving sums the few rows of the query's terms (60 us) instead
of calling `transform`; a test checks that both give the same numbers. The vocabulary is also used
for spelling correction.
"""

import hashlib
import io
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from zipfile import BadZipFile

import numpy as np

from app.recommend.dense import unit
from app.recommend.text_analysis import STOP_WORDS, stem, words
from app.recommend.types import Floats

DIMENSIONS = 256
MAX_TERMS = 50_000
MAX_SAMPLE = 10_000
SEED = 0
CHUNK = 64
"""Documents projected at a time; 64 take a few megabytes."""


@dataclass(frozen=True, slots=True, eq=False)
class LatentModel:
    """A fitted model of t terms and d dimensions.

    `terms` (stems), `surfaces` (the most frequent word of each stem), `frequencies` (number of
    documents), `idf` (t,) and `components` (t, d) are parallel.
    """

    terms: tuple[str, ...]
    surfaces: tuple[str, ...]
    frequencies: tuple[int, ...]
    idf: Floats
    components: Floats
    positions: Mapping[str, int]
    hash: str

    name = "tfidf-svd"
    version = "1"

    @property
    def width(self) -> int:
        return int(self.components.shape[1])

    def project(self, counts: Mapping[str, int]) -> Floats:
        """The unit vector (d,) of a bag of stems; zeros if none is known."""
        known = [(self.positions[t], n) for t, n in counts.items() if t in self.positions]
        if not known:
            return np.zeros(self.width, np.float32)
        rows = [row for row, _ in known]
        tf = np.array([1 + math.log(n) for _, n in known], np.float32)
        weighted: Floats = tf * self.idf.take(rows)
        return unit(weighted @ self.components.take(rows, axis=0))

    def project_many(self, documents: Sequence[Mapping[str, int]]) -> Floats:
        """The unit vectors (n, d) of many bags of stems."""
        vectors = np.zeros((len(documents), self.width), np.float32)
        for start in range(0, len(documents), CHUNK):
            rows: list[int] = []
            weights: list[float] = []
            places: list[int] = []
            ends: list[int] = []
            for place, counts in enumerate(documents[start : start + CHUNK], start):
                known = [(self.positions[t], n) for t, n in counts.items() if t in self.positions]
                if known:
                    places.append(place)
                    ends.append(len(rows))
                    rows += [row for row, _ in known]
                    weights += [1 + math.log(n) for _, n in known]
            if rows:
                scaled = np.array(weights, np.float32) * self.idf.take(rows)
                parts = self.components.take(rows, axis=0) * scaled[:, None]
                vectors[places] = np.add.reduceat(parts, ends, axis=0)
        return unit(vectors)

    def dump(self) -> bytes:
        """The model as an .npz archive: arrays and text, nothing executable."""
        buffer = io.BytesIO()
        np.savez(
            buffer,
            terms=np.frombuffer("\n".join(self.terms).encode(), np.uint8),
            surfaces=np.frombuffer("\n".join(self.surfaces).encode(), np.uint8),
            frequencies=np.array(self.frequencies, np.int32),
            idf=self.idf,
            components=self.components,
        )
        return buffer.getvalue()

    @classmethod
    def load(cls, artefact: bytes) -> "LatentModel":
        """The inverse of `dump`. Raises ValueError for invalid data."""
        try:
            with np.load(io.BytesIO(artefact), allow_pickle=False) as arrays:
                return cls.of(
                    bytes(arrays["terms"]).decode().split("\n"),
                    bytes(arrays["surfaces"]).decode().split("\n"),
                    arrays["frequencies"].tolist(),
                    arrays["idf"],
                    arrays["components"],
                )
        except (EOFError, KeyError, TypeError, BadZipFile) as error:
            raise ValueError(f"not a latent model: {error!r}") from error

    @classmethod
    def of(
        cls,
        terms: Sequence[str],
        surfaces: Sequence[str],
        frequencies: Sequence[int],
        idf: Floats,
        components: Floats,
    ) -> "LatentModel":
        """Build a model and its hash from its arrays."""
        digest = hashlib.sha256("\n".join(terms).encode())
        digest.update(idf.tobytes() + components.tobytes())
        positions = {term: row for row, term in enumerate(terms)}
        return cls(
            tuple(terms), tuple(surfaces), tuple(frequencies), idf, components, positions,
            digest.hexdigest()[:16],
        )  # fmt: skip


def fit(texts: Sequence[str], dimensions: int = DIMENSIONS) -> LatentModel | None:
    """Fit on texts (about MAX_SAMPLE are enough); None if they have too few words."""
    from sklearn.decomposition import TruncatedSVD  # noqa: PLC0415 - 1 s, needed here only
    from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415

    surfaces: dict[str, Counter[str]] = {}

    def analyzer(text: str) -> Iterable[str]:
        for word in words(text):
            if word not in STOP_WORDS:
                term = stem(word)
                surfaces.setdefault(term, Counter())[word] += 1
                yield term

    vectorizer = TfidfVectorizer(
        analyzer=analyzer, sublinear_tf=True, max_features=MAX_TERMS, dtype=np.float32
    )
    try:
        matrix = vectorizer.fit_transform(texts)
    except ValueError:  # an empty vocabulary
        return None
    rank = min(dimensions, min(matrix.shape) - 1)
    if rank < 1:
        return None
    with np.errstate(divide="ignore", invalid="ignore"):  # the explained variance may be 0 / 0
        svd = TruncatedSVD(rank, n_iter=5, random_state=SEED).fit(matrix)
    terms = vectorizer.get_feature_names_out().tolist()
    frequencies = np.bincount(matrix.indices, minlength=len(terms)).tolist()
    common = [min(surfaces[t].items(), key=lambda item: (-item[1], item[0]))[0] for t in terms]
    components = np.ascontiguousarray(svd.components_.T, np.float32)
    return LatentModel.of(
        terms, common, frequencies, vectorizer.idf_.astype(np.float32), components
    )
