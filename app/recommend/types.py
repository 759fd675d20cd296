"""The domain types, from the request to the recommendation. All are frozen.

A document is identified by its `id`, which never changes. The unit of retrieval is the passage (a
short document is one), identified by its `key`, a row number that is new each time the document is
written. The arrays of one object are parallel: position i is the same passage in each of them.
Scores are in [0, 1], higher is better.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from app.recommend.observation import Observation

Floats = NDArray[np.float32]
Keys = NDArray[np.int64]

DECIMALS = 6
"""Scores are rounded to this before they are compared: their last bits depend on the order in which
the index was written."""
LEXICAL, DENSE, LATENT, TOPIC = "lexical", "dense", "latent", "topic"
LEGS = (LEXICAL, DENSE, LATENT, TOPIC)
"""The built-in legs; further ones (see `leg.py`) are inserted before the last."""


@dataclass(frozen=True, slots=True)
class Document:
    """One document of the catalogue. `updated_at` is RFC 3339, UTC."""

    id: str
    title: str
    text: str
    category: str = ""
    url: str = ""
    updated_at: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """The part of a long document that matched: its heading and its URL fragment, both empty if it
    has no heading."""

    heading: str
    fragment: str


@dataclass(frozen=True, slots=True)
class Stored:
    """A document with the key of its passage and the stems of title and text, surrounded by spaces.

    Of a long document, text and URL are those of the `section` only.
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
    """A user's request: free text, number of documents, allowed categories (empty: all)."""

    text: str
    limit: int = 5
    categories: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Term:
    """A word of the query: its `stem`, and its `surface` as typed or corrected.

    `rarity` is in [0, 1]; 1: no document contains it.
    """

    stem: str
    surface: str
    count: int = 1
    rarity: float = 1.0


@dataclass(frozen=True, slots=True)
class Query:
    """An analysed text. `corrections` maps misspelt words to corrected ones."""

    text: str
    terms: tuple[Term, ...]
    corrections: Mapping[str, str] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()
    """The words that occur in no document, even after correction."""


@dataclass(frozen=True, slots=True)
class Probe:
    """The input of retrieval: terms with their counts, and unit vectors (zeros: no known terms)."""

    terms: Mapping[str, int]
    dense: Floats
    latent: Floats
    exclude: int | None = None
    """Key of a document to exclude."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """The documents to score, each by its best passage, with the scores and vectors of each leg.

    The order depends only on the documents' ids, not on when they were written.

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
    """Candidates with their final scores and each leg's contributions to them.

    `scores` (n,) is `base` plus the row's contributions; `contributions` and `legs` (scores) are
    (n, legs); `weights` has one entry per leg, in the order of these columns.
    """

    candidates: Candidates
    scores: Floats
    legs: Floats
    contributions: Floats
    weights: Mapping[str, float]
    model: "ModelCard"
    base: float = 0.0
    """The score without any contributions."""
    failure: Exception | None = None
    """Failure of the preferred model, if another one ranked instead."""


@dataclass(frozen=True, slots=True)
class ModelCard:
    """Name and version of a ranking model, for responses and metrics."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a document has its score, which is `base` plus all contributions.

    Each mapping has one entry per leg.
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
    """One document of the ranking; `rank` counts from 1."""

    rank: int
    document: Document
    score: float
    reason: Reason
    section: Section | None = None
    """Only for long documents: the part that is shown instead of the complete document."""


@dataclass(frozen=True, slots=True)
class Relevance:
    """The probability that the first result answers the query, and whether it is high enough."""

    probability: float
    answered: bool


@dataclass(frozen=True, slots=True)
class Ranking:
    """The best documents of `considered` candidates, best first.

    `relevance` is None for similar documents, and without a calibrator for the ranking model.
    """

    items: tuple[Ranked, ...]
    considered: int
    relevance: Relevance | None = None


@dataclass(frozen=True, slots=True)
class Recommendation:
    """The result. `degraded` names the parts that were unavailable."""

    query: Query
    ranking: Ranking
    model: ModelCard
    degraded: tuple[str, ...]
    cached: bool | None = None
    """Whether it came from the cache; None if it can't be cached."""
    observation: "Observation | None" = field(default=None, compare=False, repr=False)
    """Of a typed query, unless the ranking model failed."""
