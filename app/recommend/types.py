"""The nouns of the service: what flows from a request to a recommendation.

Everything is frozen. A document is known by its `id`, which never changes. What is searched is its
passages (a short document is one): they are known by their `key` (a row number, new each time the
document is written). Arrays of one object run in parallel: position i is the same passage in each
of them. Scores are in [0, 1], higher is better.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Keys = NDArray[np.int64]

LEXICAL, DENSE, LATENT, TOPIC = "lexical", "dense", "latent", "topic"
LEGS = (LEXICAL, DENSE, LATENT, TOPIC)
"""The legs that there always are; further ones (see `leg.py`) stand before the last."""


@dataclass(frozen=True, slots=True)
class Document:
    """One document of the catalogue, as people see it. `updated_at` is RFC 3339, UTC."""

    id: str
    title: str
    text: str
    category: str = ""
    url: str = ""
    updated_at: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """The part of a long document that matched: its heading, and the part of the address that leads
    to it; both empty where it has no heading."""

    heading: str
    fragment: str


@dataclass(frozen=True, slots=True)
class Stored:
    """A document with the key of its passage and the stems of title and text, between blanks.

    Of a long document only the `section` is there: its text, and an address that leads to it.
    """

    key: int
    document: Document
    stems: str
    section: Section | None = None

    def contains(self, stem: str) -> bool:
        """Whether the stem occurs in title or text."""
        return f" {stem} " in self.stems


@dataclass(frozen=True, slots=True)
class Request:
    """What a user asks: free text, how many documents, and from which categories (none: all)."""

    text: str
    limit: int = 5
    categories: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Term:
    """A word of the query: `stem` is looked up, `surface` is the word as typed or corrected."""

    stem: str
    surface: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class Query:
    """An analysed text. `corrections` maps misspelt words to the words they were read as."""

    text: str
    terms: tuple[Term, ...]
    corrections: Mapping[str, str] = field(default_factory=dict)
    unknown: int = 0
    """How many terms occur in no document, even after correction."""


@dataclass(frozen=True, slots=True)
class Probe:
    """What the index is asked: terms with their counts, and unit vectors (zero: says nothing)."""

    terms: Mapping[str, int]
    dense: Floats
    latent: Floats
    exclude: int | None = None
    """The number of a document that is not to be found."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """The documents worth scoring, each by its best passage, with each leg's score and vectors.

    The order depends only on what the documents are, not on when they were written.

    `keys` (n,), `lexical`, `dense`, `latent` (n,), `dense_vectors` and `latent_vectors`
    (n, dimensions), `titles` (n,) hashes of the normalised titles, `further` (n,) by leg.
    """

    keys: Keys
    lexical: Floats
    dense: Floats
    latent: Floats
    dense_vectors: Floats
    latent_vectors: Floats
    titles: NDArray[np.uint64]
    further: Mapping[str, Floats] = field(default_factory=dict)

    @property
    def legs(self) -> tuple[str, ...]:
        """The names of all legs, in the order of their columns."""
        return (LEXICAL, DENSE, LATENT, *self.further, TOPIC)

    def __len__(self) -> int:
        return len(self.keys)


@dataclass(frozen=True, slots=True)
class Scored:
    """Candidates with their final scores and, for each leg, what it added to them.

    `scores` (n,) is `base` plus the row's contributions; `contributions` and `legs` are
    (n, legs); `weights` has one entry a leg, in the order of these columns.
    """

    candidates: Candidates
    scores: Floats
    legs: Floats
    contributions: Floats
    weights: Mapping[str, float]
    model: "ModelCard"
    base: float = 0.0
    """What a score is before any leg contributes."""
    failure: Exception | None = None
    """Why the preferred model did not answer, where it did not."""


@dataclass(frozen=True, slots=True)
class ModelCard:
    """Which model ranked: shown in every response and on every metric about ranking."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a document ranks where it does. Each mapping has one entry for every leg.

    `base` plus all contributions is the score.
    """

    base: float

    legs: Mapping[str, float]
    weights: Mapping[str, float]
    contributions: Mapping[str, float]
    matched_terms: tuple[str, ...]
    topic_page: str | None
    summary: str


@dataclass(frozen=True, slots=True)
class Ranked:
    """One place of the ranking; `rank` counts from 1."""

    rank: int
    document: Document
    score: float
    reason: Reason
    section: Section | None = None
    """Of a long document: the part that is shown in place of the whole."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """The best documents first, made from `considered` candidates."""

    items: tuple[Ranked, ...]
    considered: int


@dataclass(frozen=True, slots=True)
class Recommendation:
    """The answer. `degraded` names what was missing when it was made (empty: nothing)."""

    query: Query
    ranking: Ranking
    model: ModelCard
    degraded: tuple[str, ...]
    kept: bool | None = None
    """Whether it was made for an earlier request; None where none are kept."""
