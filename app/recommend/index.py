"""Protocols of the catalogue that the pipeline uses: vocabulary, index and live index."""

from collections.abc import Sequence
from typing import Protocol

from app.recommend.types import Candidates, Keys, Probe, Query, Stored

UNKNOWN = 1.0
DEPTH = 50
"""Number of candidates per leg."""


class Vocabulary(Protocol):
    """The words of the catalogue."""

    def rarity(self, stem: str) -> float:
        """Rarity of the term in [0, 1]; UNKNOWN if no document contains it."""

    def nearest(self, stem: str) -> tuple[str, str] | None:
        """The (stem, surface) of the most likely intended word, or None if none is close."""


class Index(Vocabulary, Protocol):
    """An immutable view of the catalogue, which candidates are retrieved from."""

    @property
    def quick(self) -> bool:
        """Whether retrieval takes less time than moving it to a thread."""

    def probe(self, query: Query) -> Probe:
        """The query as terms and vectors."""

    def probes(self, queries: Sequence[Query]) -> list[Probe]:
        """The same of several queries, whose texts are encoded at once."""

    def probe_like(self, document_id: str) -> tuple[Query, Probe] | None:
        """A query of the document's title and its vectors that excludes it; None if unknown."""

    def retrieve(self, probe: Probe, depth: int, categories: frozenset[str]) -> Candidates:
        """The best `depth` documents of each leg, scored by all legs."""

    def documents(self, keys: Keys) -> list[Stored]:
        """The documents with these keys, in any order, without those deleted since."""


class LiveIndex(Protocol):
    """A catalogue that can change."""

    def now(self) -> Index:
        """The current view; a request uses one view throughout."""
