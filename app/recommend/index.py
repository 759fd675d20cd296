"""What the heart asks of a catalogue: three small protocols."""

from typing import Protocol

from app.recommend.types import Candidates, Keys, Probe, Query, Stored


class Vocabulary(Protocol):
    """The words the catalogue knows."""

    def knows(self, stem: str) -> bool:
        """Whether some document contains the term."""

    def nearest(self, stem: str) -> tuple[str, str] | None:
        """The (stem, surface) of the most likely intended word, or None where none is close."""


class Index(Vocabulary, Protocol):
    """One moment of the catalogue: where candidates come from."""

    @property
    def quick(self) -> bool:
        """Whether retrieving takes less than moving it to a thread is worth."""

    def probe(self, query: Query) -> Probe:
        """The query as terms and vectors."""

    def probe_like(self, document_id: str) -> tuple[Query, Probe] | None:
        """A document as a query of its title and its own vectors, itself excluded, or None."""

    def retrieve(self, probe: Probe, depth: int, categories: frozenset[str]) -> Candidates:
        """The best `depth` documents of each leg, every one scored by all legs."""

    def documents(self, keys: Keys) -> list[Stored]:
        """The documents with these keys, in any order; those gone since are left out."""


class LiveIndex(Protocol):
    """A catalogue that is being written to."""

    def now(self) -> Index:
        """The present moment; a request works with one."""
