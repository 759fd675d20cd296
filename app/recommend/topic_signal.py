"""The topic signal: which candidates an outside encyclopaedia associates with the query.

Pages found for the query are matched with each candidate: the same title counts fully, otherwise
what the texts have in common; pages further down count less. So every document has its own signal.
"""

import asyncio
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from app.recommend.text_analysis import words
from app.recommend.types import Candidates, Floats, Query

RELATED = 0.45
"""Signal from which a page is named as a reason."""


class Outcome(StrEnum):
    """How asking went. `cached` needed no call; `off` means that nobody was to be asked."""

    HIT = "hit"
    MISS = "miss"
    CACHED = "cached"
    TIMEOUT = "timeout"
    ERROR = "error"
    OPEN_CIRCUIT = "open_circuit"
    OFF = "off"

    @property
    def degraded(self) -> bool:
        """Whether the answer had to be made without a signal it should have had."""
        return self in (Outcome.TIMEOUT, Outcome.ERROR, Outcome.OPEN_CIRCUIT)


@dataclass(frozen=True, slots=True)
class Page:
    """One page the encyclopaedia found, best first."""

    title: str
    summary: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """Pages with their vectors (p, d) of the dense leg's model, and how they were come by."""

    outcome: Outcome
    pages: tuple[Page, ...] = ()
    vectors: Floats | None = None
    titles: NDArray[np.uint64] | None = None
    failure: Exception | None = None

    @classmethod
    def found(cls, pages: tuple[Page, ...], vectors: Floats) -> "Evidence":
        """A hit, or a miss where there are no pages."""
        titles = np.array([title_hash(page.title) for page in pages], np.uint64)
        return cls(Outcome.HIT if pages else Outcome.MISS, pages, vectors, titles)


class TopicSignal(Protocol):
    """Somebody to ask about a query while local retrieval runs."""

    def begin(self, query: Query) -> "asyncio.Future[Evidence]":
        """Start asking; returns at once. The future is done in time and never fails."""


def answered(evidence: Evidence) -> "asyncio.Future[Evidence]":
    """A future that is done already."""
    future: asyncio.Future[Evidence] = asyncio.get_running_loop().create_future()
    future.set_result(evidence)
    return future


class NoTopicSignal:
    """Asks nobody."""

    def begin(self, query: Query) -> "asyncio.Future[Evidence]":  # noqa: ARG002
        return answered(Evidence(Outcome.OFF))


def title_hash(title: str) -> int:
    """A 64-bit hash under which titles that read alike are the same."""
    plain = " ".join(words(title)) or title  # titles of signs only are alike when equal
    return int.from_bytes(blake2b(plain.encode(), digest_size=8).digest(), "little")


def match(evidence: Evidence, candidates: Candidates) -> tuple[Floats, NDArray[np.intp]]:
    """Each candidate's signal (n,) in [0, 1], and the page (n,) it comes from (-1: none)."""
    count = len(candidates)
    if not evidence.pages or evidence.vectors is None or evidence.titles is None or not count:
        return np.zeros(count, np.float32), np.full(count, -1)
    alike = candidates.dense_vectors @ evidence.vectors.T
    alike[candidates.titles[:, None] == evidence.titles] = 1
    alike /= np.log2(np.arange(2, len(evidence.pages) + 2, dtype=np.float32))
    page = alike.argmax(axis=1)
    signal = np.minimum(np.maximum(alike[np.arange(count), page], 0), 1)
    return signal, np.where(signal >= RELATED, page, -1)
