"""Retrieves candidates from a snapshot of the catalogue. How depends on the catalogue's size:

| passages     | lexical leg        | dense leg               | latent leg                     |
|--------------|--------------------|-------------------------|--------------------------------|
| up to 2,000  | SQLite FTS5        | every vector            | every vector                   |
| up to 20,000 | postings in memory | sign codes, then vectors| scores candidates of the others|
| more         | postings in memory | the same, with vectors read from SQLite                  |
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from app.catalogue import full_text
from app.catalogue.database import Database
from app.catalogue.index_refresh import LiveSnapshot
from app.catalogue.row_loading import load_vectors
from app.catalogue.snapshot import Slots, Snapshot
from app.catalogue.vectors import Models
from app.recommend.dense import Ties, best, cosine, nearest_codes, sign_codes, unit
from app.recommend.embedding import Embedder
from app.recommend.fusion import fuse
from app.recommend.latent import LatentModel
from app.recommend.leg import Leg
from app.recommend.lexical import rarity
from app.recommend.stages import StageObserver
from app.recommend.text_analysis import STOP_WORDS, bare, stem, words
from app.recommend.types import (
    DECIMALS,
    DENSE,
    LATENT,
    LEXICAL,
    Candidates,
    Document,
    Floats,
    Keys,
    Probe,
    Query,
    Section,
    Stored,
    Term,
)

Mask = NDArray[np.bool_]
OVERSAMPLE = 3
"""Candidates of the first pass over sign codes, per requested document.

Measured on 10,000 documents of shuffled sentences, the hardest case: of the exact best 50 it finds
54 % with 256 dimensions, 69 % with 384, 84 % with 768; with 10 times as many, 77, 91 and 98 %. The
ranking does not profit from more: nDCG@10 on 6,064 documents of three public collections is .412
with 1 to 20."""
MOST_REMEMBERED = 10_000
"""Terms whose frequency is remembered until the catalogue changes."""
MIN_SCORE = np.float32(1e-9)
WIDENING = 4
"""Factor for another search with more passages, if too few different documents were found."""


class CatalogueIndex:
    """Implements `LiveIndex` on the catalogue."""

    def __init__(
        self,
        database: Database,
        models: Models,
        lexical_index: str = "auto",
        legs: Sequence[Leg] = (),
        stages: StageObserver | None = None,
    ) -> None:
        """`legs`: the legs besides lexical, dense and latent. `stages` observes refreshes."""
        self._database, self._models, self._legs = database, models, legs
        self._live = LiveSnapshot(database, models, lexical_index, stages)
        self._current = self._index_of(self._live.current())

    def now(self) -> "SnapshotIndex":
        """An index with everything committed before this call (large imports: soon after).

        Returns the same object until something is written.
        """
        snapshot, index = self._live.current(), self._current
        if index.snapshot is not snapshot:
            index = self._current = self._index_of(snapshot)
        return index

    def reload(self) -> None:
        """Load the catalogue again (large ones: in the background)."""
        self._live.reload()

    def _index_of(self, snapshot: Snapshot) -> "SnapshotIndex":
        embedder, codes = self._models.embedder, self._live.codes
        return SnapshotIndex(snapshot, self._database, embedder, codes, self._legs)


@dataclass(frozen=True, slots=True, eq=False)
class SnapshotIndex:
    """Implements `Index` on one snapshot of the catalogue."""

    snapshot: Snapshot
    _database: Database
    _embedder: Embedder
    _codes: Mapping[str, int]
    _legs: Sequence[Leg] = ()
    _matching: dict[str, int] = field(default_factory=dict)
    """Passages that contain a term, of the last terms that were looked up."""

    @property
    def embedder(self) -> Embedder:
        """What embeds queries."""
        return self._embedder

    def with_embedder(self, embedder: Embedder) -> "SnapshotIndex":
        """The same with another model for queries."""
        return replace(self, _embedder=embedder)

    @property
    def quick(self) -> bool:
        """Whether retrieval takes less time than starting a thread for it (0.1 ms or more)."""
        return self.snapshot.dense is not None and self._embedder.quick

    def rarity(self, stem: str) -> float:
        """Rarity of the term in [0, 1]; 1 if no document contains it."""
        if self.snapshot.bm25 is None:
            matching = self._matching.get(stem, -1)
            if matching < 0:
                matching = full_text.frequencies(self._database.reader, [stem]).get(stem, 0)
                if len(self._matching) >= MOST_REMEMBERED:
                    self._matching.clear()
                self._matching[stem] = matching
        else:
            impact = self.snapshot.bm25.impact(stem)
            matching = 0 if impact is None else len(impact.slots)
        return rarity(self.snapshot.count, matching)

    def nearest(self, stem: str) -> tuple[str, str] | None:
        """The (stem, surface) of the most likely intended word."""
        return self.snapshot.speller.nearest(stem)

    def probe(self, query: Query) -> Probe:
        """The query as terms and vectors; misspelt words are embedded in their corrected form."""
        (made,) = self.probes([query])
        return made

    def probes(self, queries: Sequence[Query]) -> list[Probe]:
        """The same of several queries, whose texts are encoded at once."""
        if not queries:
            return []
        vectors = self._embedder.embed_queries([self._embedded(each) for each in queries])
        terms = [{term.stem: term.count for term in each.terms} for each in queries]
        return [
            Probe(each, vector, self._project(each))
            for each, vector in zip(terms, vectors, strict=True)
        ]

    def _embedded(self, query: Query) -> str:
        """The text of a query that is embedded."""
        text = bare(query.text)
        slips = {term.surface: self.snapshot.speller.same_stem(term) for term in query.terms}
        spelling = {word: right for word, right in slips.items() if right}
        spelling.update(query.corrections)
        if spelling:
            text = " ".join(spelling.get(word, word) for word in words(text))
        return text

    def _project(self, terms: dict[str, int]) -> Floats:
        _, model = self.snapshot.models.get(LATENT, (0, None))
        if isinstance(model, LatentModel):
            return model.project(terms)
        return np.zeros(64, np.float32)

    def probe_like(self, document_id: str) -> tuple[Query, Probe] | None:
        """A query of the document's title and its vectors that excludes it; None if unknown."""
        query = (
            "SELECT p.key, d.key, title FROM documents d JOIN passages p ON p.document = d.key "
            "WHERE id = ?"
        )
        found = self._database.rows(query, (document_id,))
        if not found:
            return None
        _, document, title = found[0]
        surfaces = {stem(word): word for word in words(title) if word not in STOP_WORDS}
        counts = Counter(stem(word) for word in words(title) if word not in STOP_WORDS)
        terms = tuple(Term(each, surfaces[each], count) for each, count in counts.items())
        keys = np.array([key for key, *_ in found], np.int64)
        dense, latent = (
            unit(load_vectors(self._database, leg, self.snapshot.models, keys).sum(axis=0))
            for leg in (DENSE, LATENT)
        )
        return Query(title, terms), Probe(counts, dense, latent, exclude=document)

    def retrieve(self, probe: Probe, depth: int, categories: frozenset[str]) -> Candidates:
        """The best `depth` documents of each leg, scored by all legs."""
        now = self.snapshot
        allowed = self._allowed(probe.exclude, categories)
        if now.bm25 is None:
            by_words = full_text.scores(self._database, probe.terms, now)
        else:
            by_words = now.bm25.scores(probe.terms)
        nominated = [self._best(_masked(by_words, allowed), depth)]
        if now.dense is not None and now.latent is not None and not now.codes:
            for leg, vectors in ((probe.dense, now.dense), (probe.latent, now.latent)):
                alike = _rounded(_masked(cosine(vectors, leg), allowed))
                nominated.append(self._best(alike, depth))
        else:
            nominated.append(self._near(probe.dense, allowed, depth))
        further = {leg.name: leg.scores(probe, now.keys) for leg in self._legs}
        nominated += [
            self._best(_rounded(_masked(each, allowed)), depth) for each in further.values()
        ]
        return self._candidates(probe, {LEXICAL: by_words, **further}, _union(nominated))

    def _best(self, scores: Floats, depth: int) -> Slots:
        """Slots of the `depth` best passages, one per document."""
        now, count = self.snapshot, depth
        while len(found := best(scores, count, now.ties)) == count and self._too_few(found, depth):
            count *= WIDENING
        first = _best_per_document(scores[found], now.documents[found], now.ties[found])
        return found[first[:depth]]

    def _near(self, dense: Floats, allowed: Mask | None, depth: int) -> Slots:
        """The same by similarity to a vector, with a first pass over sign codes."""
        now, count, code = self.snapshot, depth * OVERSAMPLE, sign_codes(dense)
        while len(
            likely := nearest_codes(now.codes, code, allowed, count, now.ties)
        ) == count and self._too_few(likely, depth):
            count *= WIDENING
        likely = likely[np.argsort(now.ties[likely])]
        near = cosine(self._vectors(DENSE, likely), dense)
        first = _best_per_document(near, now.documents[likely], now.ties[likely])
        return likely[first[near[first] > 0][:depth]]

    def _too_few(self, slots: Slots, depth: int) -> bool:
        """Whether the passages belong to fewer than `depth` documents."""
        now = self.snapshot
        return now.split and len(np.unique(now.documents[slots])) < depth

    def _allowed(self, exclude: int | None, categories: frozenset[str]) -> Mask | None:
        """Which slots may be candidates; None: all."""
        now = self.snapshot
        allowed = now.live
        if categories:
            codes = [self._codes[name] for name in categories if name in self._codes]
            allowed = allowed & np.isin(now.categories, codes)
        if exclude is not None:
            allowed = allowed & (now.documents != exclude)
        return None if allowed is now.live and now.count == len(now.keys) else allowed

    def _vectors(self, leg: str, slots: Slots) -> Floats:
        """Vectors from memory if they are held there, else from the database."""
        now = self.snapshot
        held = now.dense if leg == DENSE else now.latent
        if held is not None:
            return held.take(slots, axis=0)
        return load_vectors(self._database, leg, now.models, now.keys[slots])

    def _candidates(self, probe: Probe, scores: Mapping[str, Floats], slots: Slots) -> Candidates:
        """`scores`: of every slot, by leg, for the legs without vectors."""
        now = self.snapshot
        slots = slots[np.argsort(now.ties[slots])]
        lexical = scores[LEXICAL][slots]
        dense_vectors, latent_vectors = self._vectors(DENSE, slots), self._vectors(LATENT, slots)
        dense, latent = cosine(dense_vectors, probe.dense), cosine(latent_vectors, probe.latent)
        shown: Slots | slice = slice(None)
        if now.split:
            fused = _rounded(fuse(lexical, dense, latent))
            shown = np.sort(_best_per_document(fused, now.documents[slots], now.ties[slots]))
        return Candidates(
            keys=now.keys[slots][shown],
            lexical=lexical[shown],
            dense=dense[shown],
            latent=latent[shown],
            dense_vectors=dense_vectors[shown],
            latent_vectors=latent_vectors[shown],
            titles=now.titles[slots][shown],
            further={leg.name: scores[leg.name][slots][shown] for leg in self._legs},
        )

    def documents(self, keys: Keys) -> list[Stored]:
        """The documents with these keys, in any order, without those deleted since."""
        marks = ",".join("?" * len(keys))
        query = (
            "SELECT p.key, ' ' || stems || ' ', number, heading, fragment, id, title, "
            "substr(text, start + 1, stop - start), category, url, updated_at FROM passages p "
            "JOIN documents d ON d.key = p.document JOIN words ON words.rowid = p.key "
            f"WHERE p.key IN ({marks})"
        )
        return [_stored(*row) for row in self._database.rows(query, keys.tolist())]


def _stored(
    key: int, stems: str, number: int, heading: str, fragment: str, *columns: str
) -> Stored:
    document = Document(*columns)
    if not number:
        return Stored(key, document, stems)
    if fragment and document.url and "#" not in document.url:
        document = replace(document, url=f"{document.url}#{quote(fragment)}")
    return Stored(key, document, stems, Section(heading, fragment))


def _best_per_document(scores: Floats, documents: Keys, ties: Ties) -> Slots:
    """Positions of each document's best score, best first; equal scores by `ties`."""
    ordered = np.lexsort((ties, -scores))
    _, first = np.unique(documents[ordered], return_index=True)
    positions: Slots = ordered[np.sort(first)]
    return positions


def _masked(scores: Floats, allowed: Mask | None) -> Floats:
    return scores if allowed is None else np.where(allowed, scores, 0)


def _rounded(scores: Floats) -> Floats:
    """Scores rounded to DECIMALS, because their last bits depend on the row's position; positive
    scores stay positive."""
    rounded: Floats = np.maximum(np.round(scores, DECIMALS), np.minimum(scores, MIN_SCORE))
    return rounded


def _union(parts: list[Slots]) -> Slots:
    """The distinct slots, ascending; ten times as fast as np.unique."""
    together = np.sort(np.concatenate(parts))
    return together[np.flatnonzero(np.diff(together, prepend=-1))]
