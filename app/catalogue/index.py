"""The index that retrieves candidates. What it holds in memory depends on the size:

| documents    | lexical leg        | dense leg                   | latent leg                   |
|--------------|--------------------|-----------------------------|------------------------------|
| up to 2,000  | SQLite FTS5        | every vector                | every vector                 |
| up to 20,000 | postings in memory | every vector                | every vector                 |
| beyond       | postings in memory | sign codes, best 8x rescored| scores what the others found |
"""

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from app.catalogue import full_text
from app.catalogue.database import Database
from app.catalogue.loading import load_vectors
from app.catalogue.moments import Moments
from app.catalogue.snapshot import Snapshot, slots_of
from app.catalogue.vectors import Models
from app.recommend import lexical
from app.recommend.dense import OVERSAMPLE, agreement, best, cosine, sign_codes
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
from app.recommend.words import STOP_WORDS, stem, words

Mask = NDArray[np.bool_]


class CatalogueIndex:
    """Implements the heart's `Index` and `Vocabulary` over the catalogue."""

    def __init__(self, database: Database, models: Models, lexical_index: str = "auto") -> None:
        self._database, self._models = database, models
        self._moments = Moments(database, models, lexical_index)

    @property
    def vocabulary(self) -> "CatalogueIndex":
        return self

    def knows(self, stem: str) -> bool:
        """Whether some document contains the term."""
        now = self._moments.current()
        if now.postings is None:
            return bool(full_text.frequencies(self._database.reader, [stem]))
        found = now.postings.lookup(stem, len(now.keys))
        return found is not None and bool(now.live[found[0]].any())

    def nearest(self, stem: str) -> tuple[str, str] | None:
        """The (stem, surface) of the most likely intended word."""
        return self._moments.current().speller.nearest(stem)

    def probe(self, query: Query) -> Probe:
        """The query as terms and vectors; corrected words are embedded as corrected."""
        text = " ".join(query.corrections.get(w.lower(), w) for w in query.text.split())
        terms = {term.stem: term.count for term in query.terms}
        return Probe(terms, self._models.embedder.embed_one(text), self._project(terms))

    def _project(self, terms: dict[str, int]) -> Floats:
        _, model = self._moments.current().models.get(LATENT, (0, None))
        if isinstance(model, LatentModel):
            return model.project(terms)
        return np.zeros(64, np.float32)

    def probe_like(self, document_id: str) -> tuple[Query, Probe] | None:
        """A document as a query of its title and its own vectors, itself excluded, or None."""
        now = self._moments.current()
        query = "SELECT key, title FROM documents WHERE id = ?"
        row = self._database.reader.cursor().execute(query, (document_id,)).fetchone()
        if row is None:
            return None
        key, title = row
        surfaces = {stem(word): word for word in words(title) if word not in STOP_WORDS}
        counts = Counter(stem(word) for word in words(title) if word not in STOP_WORDS)
        terms = tuple(Term(each, surfaces[each], count) for each, count in counts.items())
        one = np.array([key], np.int64)
        dense = load_vectors(self._database.reader, DENSE, now.models, one)[0]
        latent = load_vectors(self._database.reader, LATENT, now.models, one)[0]
        return Query(title, terms), Probe(counts, dense, latent, exclude=key)

    def retrieve(self, probe: Probe, depth: int, categories: frozenset[str]) -> Candidates:
        """The best `depth` documents of each leg, every one scored by all legs."""
        now = self._moments.current()
        allowed = self._allowed(now, probe.exclude, categories)
        if now.postings is None:
            words_ = full_text.scores(self._database.reader, probe.terms, now)
        else:
            words_ = lexical.score(
                now.postings, probe.terms, now.lengths, now.live, now.count, now.mean_length
            )
        if now.dense is not None and now.latent is not None:
            return _exact(now, now.dense, now.latent, probe, words_, allowed, depth)
        return self._rescored(now, probe, words_, allowed, depth)

    def _allowed(self, now: Snapshot, exclude: int | None, categories: frozenset[str]) -> Mask:
        allowed = now.live
        if categories:
            codes = [self._moments.codes[c] for c in categories if c in self._moments.codes]
            allowed = allowed & np.isin(now.categories, codes)
        if exclude is not None:
            allowed = allowed.copy()
            allowed[slots_of(now.keys, np.array([exclude], np.int64))] = False
        return allowed

    def _rescored(
        self, now: Snapshot, probe: Probe, words_: Floats, allowed: Mask, depth: int
    ) -> Candidates:
        """As `_exact`, where the vectors are on disk: sign codes first, then the real vectors."""
        agreeing = agreement(now.codes, sign_codes(probe.dense[None, :])[0])
        likely = best(np.where(allowed, agreeing, 0), depth * OVERSAMPLE)
        slots = np.union1d(best(np.where(allowed, words_, 0), depth), likely)
        reader = self._database.reader
        dense_vectors = load_vectors(reader, DENSE, now.models, now.keys[slots])
        dense = cosine(dense_vectors, probe.dense)
        kept = np.union1d(best(words_[slots], depth), best(dense, depth))
        slots = slots[kept]
        latent_vectors = load_vectors(reader, LATENT, now.models, now.keys[slots])
        return Candidates(
            keys=now.keys[slots],
            lexical=words_[slots],
            dense=dense[kept],
            latent=cosine(latent_vectors, probe.latent),
            dense_vectors=dense_vectors[kept],
            latent_vectors=latent_vectors,
            titles=now.titles[slots],
        )

    def documents(self, keys: Keys) -> list[Stored]:
        """The documents with these keys, in any order; those gone since are left out."""
        marks = ",".join("?" * len(keys))
        query = (
            "SELECT key, id, title, text, category, url, updated_at, stems "
            f"FROM documents JOIN words ON words.rowid = key WHERE key IN ({marks})"
        )
        rows = self._database.reader.cursor().execute(query, keys.tolist())
        return [
            Stored(key, Document(*columns), frozenset(stems.split()))
            for key, *columns, stems in rows
        ]


def _exact(
    now: Snapshot,
    dense_vectors: Floats,
    latent_vectors: Floats,
    probe: Probe,
    words_: Floats,
    allowed: Mask,
    depth: int,
) -> Candidates:
    dense = cosine(dense_vectors, probe.dense)
    latent = cosine(latent_vectors, probe.latent)
    nominated = [best(np.where(allowed, leg, 0), depth) for leg in (words_, dense, latent)]
    slots = np.unique(np.concatenate(nominated))
    return Candidates(
        keys=now.keys[slots],
        lexical=words_[slots],
        dense=dense[slots],
        latent=latent[slots],
        dense_vectors=dense_vectors[slots],
        latent_vectors=latent_vectors[slots],
        titles=now.titles[slots],
    )
