"""Fakes of the heart's protocols, and example documents."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from app.recommend.dense import unit
from app.recommend.embedding import Embedder
from app.recommend.stages import ANALYZE, RANK, RETRIEVE, SCORE
from app.recommend.topic_signal import Evidence, Outcome, Page, answered
from app.recommend.types import Document, Floats, Query

PIPELINE = (ANALYZE, RETRIEVE, SCORE, RANK)
"""The stages of every recommendation, in order; `tests/telemetry/expected.py` has their spans."""


def document(document_id: str, title: str = "", text: str = "", category: str = "") -> Document:
    """A document; title and text are made from the id where they don't matter."""
    words = document_id.replace("-", " ")
    return Document(document_id, title or words.title(), text or f"About {words}.", category)


SHELF = (
    document("staling", "Staling", "Bread goes stale as its starch takes up water.", "cooking"),
    document("sourdough", "Sourdough", "Sourdough bread rises by wild yeast.", "cooking"),
    document("machine-learning", "Machine learning", "Computers learn from examples.", "computing"),
    document("sqlite", "SQLite", "SQLite keeps a database in one file.", "computing"),
    document("kubernetes", "Kubernetes", "Kubernetes scales containers by itself.", "computing"),
    document("black-hole", "Black hole", "Not even light escapes a black hole.", "astronomy"),
    document("tide", "Tide", "The Moon raises the tides of the oceans.", "astronomy"),
    document("wi-fi", "Wi-Fi", "Wi-Fi joins computers without wires.", "computing"),
)
"""Eight short documents in three categories."""


class FakeTopicSignal:
    """Answers every query with the same evidence: immediately, or after a turn of the loop."""

    def __init__(self, evidence: Evidence, *, later: bool = False) -> None:
        self.evidence, self._later = evidence, later
        self.asked: list[str] = []

    def begin(self, query: Query) -> asyncio.Future[Evidence]:
        self.asked.append(query.text)
        if not self._later:
            return answered(self.evidence)
        return asyncio.get_running_loop().create_task(self._answer())

    async def _answer(self) -> Evidence:
        await asyncio.sleep(0)
        return self.evidence


def evidence_of(embedder: Embedder, *titles: str) -> Evidence:
    """What an encyclopaedia with these pages would give."""
    pages = tuple(Page(title) for title in titles)
    return Evidence.found(pages, embedder.embed(list(titles)))


UNREACHABLE = Evidence(Outcome.TIMEOUT, failure=TimeoutError())
"""The evidence after a timeout."""


class Projected:
    """A model of any width: another one's vectors, turned at random into `width` dimensions."""

    name, version, quick, weight = "projected", "1", True, 0.35

    def __init__(self, embedder: Embedder, width: int) -> None:
        self._embedder, self.width, self.hash = embedder, width, f"projected to {width}"
        turn = np.random.default_rng(width).normal(size=(embedder.width, width))
        self._turn: Floats = turn.astype(np.float32)

    def embed(self, texts: Sequence[str]) -> Floats:
        return unit(self._embedder.embed(texts) @ self._turn)

    def embed_queries(self, texts: Sequence[str]) -> Floats:
        return self.embed(texts)


@dataclass(slots=True)
class Observed:
    """A stage as it was seen; `error` is what left its block."""

    name: str
    result: Any = None
    error: BaseException | None = None


@dataclass(slots=True)
class RecordingStages:
    """A StageObserver that records stages in the order in which they end."""

    seen: list[Observed] = field(default_factory=list)
    noted: list[str] = field(default_factory=list)
    causes: list[BaseException | None] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        """The names of the stages seen so far."""
        return [each.name for each in self.seen]

    @contextmanager
    def observe(self, name: str, *_: object) -> Iterator[Observed]:
        stage = Observed(name)
        try:
            yield stage
        except BaseException as error:
            stage.error = error
            raise
        finally:
            self.seen.append(stage)

    def note(self, occurrence: str, cause: BaseException | None = None) -> None:
        self.noted.append(occurrence)
        self.causes.append(cause)


@dataclass
class Opposite:
    """Another model, 44 wider: each vector points the other way and has zeros added."""

    embedder: Embedder
    name, version, hash, quick, weight = "opposite", "1", "another", True, 0.35

    @property
    def width(self) -> int:
        return self.embedder.width + 44

    def embed(self, texts: Sequence[str]) -> Floats:
        return np.pad(-self.embedder.embed(texts), ((0, 0), (0, 44)))

    def embed_queries(self, texts: Sequence[str]) -> Floats:
        return self.embed(texts)
