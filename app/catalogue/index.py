"""The index that retrieves candidates. What it holds in memory depends on the size:

| documents    | lexical leg        | dense leg               | latent leg                   |
|--------------|--------------------|-------------------------|------------------------------|
| up to 2,000  | SQLite FTS5        | every vector            | every vector                 |
| up to 20,000 | postings in memory | sign codes, then vectors| scores what the others found |
| beyond       | postings in memory | the same, vectors read from SQLite                     |
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.catalogue import full_text
from app.catalogue.database import Database
from app.catalogue.loading import load_vectors
from app.catalogue.moments import Moments
from app.catalogue.snapshot import Slots, Snapshot, slots_of
from app.catalogue.vectors import Models
from app.recommend.dense import best, cosine, nearest_codes, sign_codes
from app.recommend.embedding import Embedder
from app.recommend.latent import LatentModel
from app.recommend.types import (
    DENSE,
    LATENT,
    Candidates,
    Document,
    Floats,
    Keys,
    Probe,
    Query,
    Stored,
    Term,
)
from app.recommend.words import STOP_WORDS, bare, stem, words

Mask = NDArray[np.bool_]
OVERSAMPLE = 3
"""How many documents the first pass over sign codes finds for each one wanted."""


class CatalogueIndex:
    """The catalogue as the heart's `LiveIndex`."""

    def __init__(self, database: Database, models: Models, lexical_index: str = "auto") -> None:
        self._database, self._models = database, models
        self._moments = Moments(database, models, lexical_index)
        self._moment = self._at(self._moments.current())

    def now(self) -> "Moment":
        """With everything written before this call (a bulk import: soon).

        The same object as long as nothing was written.
        """
        current, moment = self._moments.current(), self._moment
        if moment.snapshot is not current:
            moment = self._moment = self._at(current)
        return moment

    def _at(self, snapshot: Snapshot) -> "Moment":
        return Moment(snapshot, self._database, self._models.embedder, self._moments.codes)


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """One moment of the catalogue as the heart's `Index`."""

    snapshot: Snapshot
    _database: Database
    _embedder: Embedder
    _codes: Mapping[str, int]

    @property
    def quick(self) -> bool:
        """Whether retrieving takes less than a thread would cost (0.1 ms and more)."""
        return self.snapshot.dense is not None

    def knows(self, stem: str) -> bool:
        """Whether some document contains the term."""
        if self.snapshot.bm25 is None:
            return bool(full_text.frequencies(self._database.reader, [stem]))
        return self.snapshot.bm25.impact(stem) is not None

    def nearest(self, stem: str) -> tuple[str, str] | None:
        """The (stem, surface) of the most likely intended word."""
        return self.snapshot.speller.nearest(stem)

    def probe(self, query: Query) -> Probe:
        """The query as terms and vectors; corrected words are embedded as corrected."""
        text = bare(query.text)
        if query.corrections:
            text = " ".join(query.corrections.get(word, word) for word in words(text))
        terms = {term.stem: term.count for term in query.terms}
        return Probe(terms, self._embedder.embed([text])[0], self._project(terms))

    def _project(self, terms: dict[str, int]) -> Floats:
        _, model = self.snapshot.models.get(LATENT, (0, None))
        if isinstance(model, LatentModel):
            return model.project(terms)
        return np.zeros(64, np.float32)

    def probe_like(self, document_id: str) -> tuple[Query, Probe] | None:
        """A document as a query of its title and its own vectors, itself excluded, or None."""
        query = "SELECT key, title FROM documents WHERE id = ?"
        found = self._database.rows(query, (document_id,))
        if not found:
            return None
        ((key, title),) = found
        surfaces = {stem(word): word for word in words(title) if word not in STOP_WORDS}
        counts = Counter(stem(word) for word in words(title) if word not in STOP_WORDS)
        terms = tuple(Term(each, surfaces[each], count) for each, count in counts.items())
        one = np.array([key], np.int64)
        dense = load_vectors(self._database, DENSE, self.snapshot.models, one)[0]
        latent = load_vectors(self._database, LATENT, self.snapshot.models, one)[0]
        return Query(title, terms), Probe(counts, dense, latent, exclude=key)

    def retrieve(self, probe: Probe, depth: int, categories: frozenset[str]) -> Candidates:
        """The best `depth` documents of each leg, every one scored by all legs."""
        now = self.snapshot
        allowed = self._allowed(probe.exclude, categories)
        if now.bm25 is None:
            by_words = full_text.scores(self._database, probe.terms, now)
        else:
            by_words = now.bm25.scores(probe.terms)
        nominated = [best(_only(by_words, allowed), depth)]
        if now.dense is not None and now.latent is not None and not now.codes:
            for leg, vectors in ((probe.dense, now.dense), (probe.latent, now.latent)):
                nominated.append(best(_only(cosine(vectors, leg), allowed), depth))
            return self._candidates(probe, by_words, _union(nominated))
        code = sign_codes(probe.dense)
        likely = nearest_codes(now.codes, code, allowed, depth * OVERSAMPLE)
        near = cosine(self._vectors(DENSE, likely), probe.dense)
        nominated.append(likely[best(near, depth)])
        return self._candidates(probe, by_words, _union(nominated))

    def _allowed(self, exclude: int | None, categories: frozenset[str]) -> Mask | None:
        """Which slots may be candidates; None where all may."""
        now = self.snapshot
        allowed = now.live
        if categories:
            codes = [self._codes[name] for name in categories if name in self._codes]
            allowed = allowed & np.isin(now.categories, codes)
        if exclude is not None:
            allowed = allowed.copy()
            allowed[slots_of(now.keys, np.array([exclude], np.int64))] = False
        return None if allowed is now.live and now.count == len(now.keys) else allowed

    def _vectors(self, leg: str, slots: Slots) -> Floats:
        """Vectors from memory where they are held, else from the database."""
        now = self.snapshot
        held = now.dense if leg == DENSE else now.latent
        if held is not None:
            return held.take(slots, axis=0)
        return load_vectors(self._database, leg, now.models, now.keys[slots])

    def _candidates(self, probe: Probe, by_words: Floats, slots: Slots) -> Candidates:
        now = self.snapshot
        dense_vectors = self._vectors(DENSE, slots)
        latent_vectors = self._vectors(LATENT, slots)
        return Candidates(
            keys=now.keys[slots],
            lexical=by_words[slots],
            dense=cosine(dense_vectors, probe.dense),
            latent=cosine(latent_vectors, probe.latent),
            dense_vectors=dense_vectors,
            latent_vectors=latent_vectors,
            titles=now.titles[slots],
        )

    def documents(self, keys: Keys) -> list[Stored]:
        """The documents with these keys, in any order; those gone since are left out."""
        marks = ",".join("?" * len(keys))
        query = (
            "SELECT key, ' ' || stems || ' ', id, title, text, category, url, updated_at "
            f"FROM documents JOIN words ON words.rowid = key WHERE key IN ({marks})"
        )
        rows = self._database.rows(query, keys.tolist())
        return [Stored(key, Document(*columns), stems) for key, stems, *columns in rows]


def _only(scores: Floats, allowed: Mask | None) -> Floats:
    return scores if allowed is None else np.where(allowed, scores, 0)


def _union(parts: list[Slots]) -> Slots:
    """The distinct slots, ascending. A tenth of the time of np.unique."""
    together = np.sort(np.concatenate(parts))
    return together[np.flatnonzero(np.diff(together, prepend=-1))]
