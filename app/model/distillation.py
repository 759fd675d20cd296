"""Fits the query encoder: a ridge regression from TF-IDF to a transformer's vectors.

It learns from the catalogue alone, without queries or judgements: documents, titles, random spans
that are as short as queries, and each word of the vocabulary. The same catalogue and teacher give
the same bytes.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from os import cpu_count

import numpy as np
from threadpoolctl import threadpool_limits

from app.recommend.artefact import ArtefactRefused
from app.recommend.embedding import Embedder
from app.recommend.stages import DISTILL, EMBED_SAMPLE, StageObserver
from app.recommend.student import StudentModel, terms_of
from app.recommend.text_analysis import STOP_WORDS, stem, words
from app.recommend.types import Document, Floats

SEED = 0
SHORTEST, LONGEST = 3, 24
"""Words of a span."""
MAX_SPANS = 15_000
WORDS_PER_SPAN = 8
"""Words of the catalogue for each span, up to MAX_SPANS."""
MAX_DOCUMENTS = 10_000
MAX_TERMS = 50_000
FEWEST = 10
ALPHA = 0.3
WORD_WEIGHT = 0.5
"""Weight of a single word relative to other texts."""


class TooFewDocuments(ValueError):
    """Not enough documents to fit on."""


@dataclass(frozen=True, slots=True)
class Sample:
    """The texts to learn from, with their weights (n,)."""

    texts: Sequence[str]
    weights: Floats

    @classmethod
    def of(cls, documents: Iterable[Document], seed: int = SEED) -> "Sample":
        """Documents, titles, spans and words. Raises TooFewDocuments."""
        chosen = list(documents)
        chosen = chosen[:: -(-len(chosen) // MAX_DOCUMENTS) or 1]
        if len(chosen) < FEWEST:
            raise TooFewDocuments(f"{len(chosen)} documents; at least {FEWEST} are needed")
        whole = [f"{each.title} {each.text}" for each in chosen]
        titles = list(dict.fromkeys(each.title for each in chosen))
        texts = [*whole, *titles, *_spans(whole, seed)]
        singles = _words(whole)
        weights = np.ones(len(texts) + len(singles), np.float32)
        weights[len(texts) :] = WORD_WEIGHT
        return cls([*texts, *singles], weights)


def _spans(texts: Sequence[str], seed: int) -> list[str]:
    random = np.random.default_rng(seed)
    split = [found for each in texts if len(found := each.split()) >= SHORTEST]
    count = min(MAX_SPANS, sum(map(len, split)) // WORDS_PER_SPAN)
    spans = []
    for _ in range(count):
        found = split[random.integers(len(split))]
        length = min(int(random.integers(SHORTEST, LONGEST + 1)), len(found))
        start = int(random.integers(len(found) - length + 1))
        spans.append(" ".join(found[start : start + length]))
    return spans


def _words(texts: Sequence[str]) -> list[str]:
    """The most frequent word of each stem."""
    surfaces: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for word in (word for text in texts for word in words(text) if word not in STOP_WORDS):
        surfaces[stem(word)][word] += 1
    return [
        min(found.items(), key=lambda item: (-item[1], item[0]))[0] for found in surfaces.values()
    ]


class Remembering:
    """An embedder that embeds each text once; on all cores, with the same result as on one."""

    def __init__(self, embedder: Embedder, progress: Callable[[int], object]) -> None:
        self._embedder, self._progress = embedder, progress
        self._known: dict[str, Floats] = {}
        self.name, self.version = embedder.name, embedder.version
        self.hash, self.width = embedder.hash, embedder.width
        self.quick, self.weight = embedder.quick, embedder.weight

    def embed(self, texts: Sequence[str]) -> Floats:
        """Unit vectors (n, width) of documents."""
        fresh = [each for each in dict.fromkeys(texts) if each not in self._known]
        with threadpool_limits(limits=1, user_api="blas"), ThreadPoolExecutor(cpu_count()) as pool:
            for text, vector in zip(fresh, pool.map(self._one, fresh), strict=True):
                self._known[text] = vector
                self._progress(1)
        found = [self._known[each] for each in texts]
        return np.array(found, np.float32).reshape(len(texts), self.width)

    def _one(self, text: str) -> Floats:
        vector: Floats = self._embedder.embed([text])[0]
        return vector

    def embed_queries(self, texts: Sequence[str]) -> Floats:
        """Unit vectors (n, width) of queries."""
        return self._embedder.embed_queries(texts)


def distill(sample: Sample, teacher: Embedder, stages: StageObserver) -> StudentModel:
    """Fit a student of the teacher. Raises TooFewDocuments, ArtefactRefused."""
    with stages.observe(DISTILL) as whole:
        with stages.observe(EMBED_SAMPLE) as stage:
            targets = teacher.embed(sample.texts)
            stage.result = sample
        model = whole.result = _fit(sample, targets, teacher)
    return model


def _fit(sample: Sample, targets: Floats, teacher: Embedder) -> StudentModel:
    from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415 - 1 s
    from sklearn.linear_model import Ridge  # noqa: PLC0415

    if not np.isfinite(targets).all():
        raise ArtefactRefused(f"the teacher {teacher.name} gives values that are not finite")
    vectorizer = TfidfVectorizer(
        analyzer=terms_of, sublinear_tf=True, max_features=MAX_TERMS, dtype=np.float32
    )
    try:
        matrix = vectorizer.fit_transform(sample.texts)
    except ValueError as error:  # an empty vocabulary
        raise TooFewDocuments("the documents have no words") from error
    with threadpool_limits(limits=1, user_api="blas"):
        ridge = Ridge(ALPHA, solver="sparse_cg").fit(matrix, targets, sample.weights)
    arrays = (
        vectorizer.idf_.astype(np.float32),
        np.ascontiguousarray(ridge.coef_.T, np.float16),
        ridge.intercept_.astype(np.float32),
    )
    terms = vectorizer.get_feature_names_out().tolist()
    return StudentModel.of(terms, arrays, (teacher.name, teacher.hash))
