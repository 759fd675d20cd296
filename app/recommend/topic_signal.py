"""The topic signal: how well each candidate matches an encyclopaedia's pages about the query.

Each candidate's signal is its best match with one of the pages: 1 for the same title, otherwise the
similarity of the texts, discounted by the page's rank.
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
"""Minimum signal for a page to be named as a reason."""


class Outcome(StrEnum):
    """Outcome of fetching pages. `cached`: no call was needed; `off`: no source is configured."""

    HIT = "hit"
    MISS = "miss"
    CACHED = "cached"
    TIMEOUT = "timeout"
    ERROR = "error"
    OPEN_CIRCUIT = "open_circuit"
    OFF = "off"

    @property
    def degraded(self) -> bool:
        """Whether a configured signal was not available."""
        return self in (Outcome.TIMEOUT, Outcome.ERROR, Outcome.OPEN_CIRCUIT)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the encyclopaedia."""

    title: str
    summary: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """Pages, best first, with their vectors (p, d) by the dense leg's model, and the outcome."""

    outcome: Outcome
    pages: tuple[Page, ...] = ()
    vectors: Floats | None = None
    titles: NDArray[np.uint64] | None = None
    failure: Exception | None = None

    @classmethod
    def found(cls, pages: tuple[Page, ...], vectors: Floats) -> "Evidence":
        """A hit, or a miss if there are no pages."""
        titles = np.array([title_hash(page.title) for page in pages], np.uint64)
        return cls(Outcome.HIT if pages else Outcome.MISS, pages, vectors, titles)

    def named(self, numbers: NDArray[np.intp]) -> list[Page | None]:
        """The pages at these positions (n,); None for -1."""
        return [self.pages[number] if number >= 0 else None for number in numbers.tolist()]


class TopicSignal(Protocol):
    """A source of evidence, requested while local retrieval runs."""

    def begin(self, query: Query) -> "asyncio.Future[Evidence]":
        """Start a request; returns at once. The future is done by the deadline and never fails."""


def answered(evidence: Evidence) -> "asyncio.Future[Evidence]":
    """A future that is already done."""
    future: asyncio.Future[Evidence] = asyncio.get_running_loop().create_future()
    future.set_result(evidence)
    return future


class NoTopicSignal:
    """Null implementation of `TopicSignal`."""

    def begin(self, query: Query) -> "asyncio.Future[Evidence]":  # noqa: ARG002
        return answered(Evidence(Outcome.OFF))


def title_hash(title: str) -> int:
    """A 64-bit hash of the title's words: equal for titles that differ in case or punctuation."""
    plain = " ".join(words(title)) or title  # a title without words
    return int.from_bytes(blake2b(plain.encode(), digest_size=8).digest(), "little")


def match(evidence: Evidence, candidates: Candidates) -> tuple[Floats, NDArray[np.intp]]:
    """Each candidate's signal (n,) in [0, 1], and the position (n,) of its page (-1: none)."""
    count = len(candidates)
    if not evidence.pages or evidence.vectors is None or evidence.titles is None or not count:
        return np.zeros(count, np.float32), np.full(count, -1)
    alike = candidates.dense_vectors @ evidence.vectors.T
    alike[candidates.titles[:, None] == evidence.titles] = 1
    alike /= np.log2(np.arange(2, len(evidence.pages) + 2, dtype=np.float32))
    page = alike.argmax(axis=1)
    signal = np.minimum(np.maximum(alike[np.arange(count), page], 0), 1)
    return signal, np.where(signal >= RELATED, page, -1)
