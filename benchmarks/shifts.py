"""Simulated traffic on the seed catalogue: as judged, with natural variation, or shifted."""

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count, islice

import numpy as np

from app.catalogue.index import SnapshotIndex
from app.model.drift import WINDOW, DriftDetector
from app.model.judged import Split, seed_queries
from app.model.profiling import observed
from app.recommend.dense import unit
from app.recommend.embedding import Embedder
from app.recommend.observation import Observation
from app.recommend.serving_model import ServingModel
from app.recommend.types import Floats

Random = random.Random
TEXTS = [each.text for split in Split for each in seed_queries(split) if each.relevance]
"""The texts of the judged queries that have an answer."""
_OPENINGS = (
    "how to",
    "what is",
    "why",
    "about",
    "explain",
    "please",
    "the best",
    "is it true that",
)
_ENDINGS = ("?", "??", ".", " please", " explained", " 2026", " for beginners", " in short")
_PEOPLE = (
    "my tenant",
    "a landlord",
    "the goalkeeper",
    "our toddler",
    "a border collie",
    "the jury",
)
_DOES = ("appeal", "dribble", "sue", "crawl", "fetch", "limp", "testify", "sublet", "offside")
_THINGS = (
    "a custody hearing", "the penalty shootout", "a deposit dispute", "leash training", "croup",
    "a midfield transfer", "eviction notice", "teething", "the dog groomer", "small claims court",
)  # fmt: skip


def varied(text: str, chance: Random) -> str:
    """The same question as another person might type it."""
    words = text.split()
    if len(words) > 3 and chance.random() < 0.15:
        words.pop(chance.randrange(len(words)))
    if len(words) > 1 and chance.random() < 0.1:
        place = chance.randrange(len(words) - 1)
        words[place], words[place + 1] = words[place + 1], words[place]
    text = " ".join(words)
    if chance.random() < 0.1:
        text = f"{chance.choice(_OPENINGS)} {text}"
    if chance.random() < 0.15:
        text += chance.choice(_ENDINGS)
    return text.upper() if chance.random() < 0.02 else text


def clean(chance: Random) -> str:
    """A judged query, varied."""
    return varied(chance.choice(TEXTS), chance)


def another_domain(chance: Random) -> str:
    """Law, football, children and dogs: nothing of that is in the catalogue."""
    return f"{chance.choice(_PEOPLE)} {chance.choice(_DOES)} {chance.choice(_THINGS)}"


def typos(chance: Random) -> str:
    """Every word of a judged query of more than three letters is misspelt, twice."""
    return " ".join(_misspelt(each, chance) for each in clean(chance).split())


def _misspelt(word: str, chance: Random) -> str:
    for _ in range(2 * (len(word) > 3)):
        place = chance.randrange(len(word) - 1)
        letter = chance.choice("abcdefghijklmnopqrstuvwxyz")
        word = chance.choice(
            (
                word[:place] + word[place + 1] + word[place] + word[place + 2 :],
                word[:place] + letter + word[place + 1 :],
                word[:place] + letter + word[place:],
            )
        )
    return word


def very_long(chance: Random) -> str:
    """Six judged queries in one."""
    return " ".join(clean(chance) for _ in range(6))


def without_category(category: str) -> Callable[[SnapshotIndex], SnapshotIndex]:
    """A category's documents are gone."""

    def alter(index: SnapshotIndex) -> SnapshotIndex:
        now = index.snapshot
        live = now.live & (now.categories != index._codes[category])  # noqa: SLF001
        return replace(index, snapshot=replace(now, live=live, count=int(live.sum())))

    return alter


class BrokenTokenizer:
    """The embedding model behind a tokenizer that lost its word boundaries."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self.name, self.version, self.hash = embedder.name, embedder.version, embedder.hash
        self.width, self.quick, self.weight = embedder.width, embedder.quick, embedder.weight

    def embed(self, texts: Sequence[str]) -> Floats:
        """Vectors of the texts' letters, each a word of its own."""
        return self._embedder.embed([" ".join(text) for text in texts])

    def embed_queries(self, texts: Sequence[str]) -> Floats:
        """The same."""
        return self.embed(texts)


def broken_tokenizer(index: SnapshotIndex) -> SnapshotIndex:
    """Queries are embedded letter by letter; the documents' vectors are as they were."""
    return replace(index, _embedder=BrokenTokenizer(index._embedder))  # noqa: SLF001


def stale_embeddings(index: SnapshotIndex) -> SnapshotIndex:
    """The documents' vectors are those of an earlier embedding model, in another space."""
    dense = index.snapshot.dense
    assert dense is not None
    width = dense.shape[1]
    turned, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(width, width)))
    return replace(
        index, snapshot=replace(index.snapshot, dense=unit(dense @ turned.astype(np.float32)))
    )


def vectors_of_another_catalogue(index: SnapshotIndex) -> SnapshotIndex:
    """Each document has the vector of another one, as after a restore of the wrong file."""
    dense = index.snapshot.dense
    assert dense is not None
    shuffled = np.random.default_rng(0).permutation(len(dense))
    return replace(index, snapshot=replace(index.snapshot, dense=dense[shuffled]))


def as_it_is(index: SnapshotIndex) -> SnapshotIndex:
    """No change."""
    return index


@dataclass(frozen=True, slots=True)
class Shift:
    """What users type, and what happens to the index."""

    say: Callable[[Random], str] = clean
    alter: Callable[[SnapshotIndex], SnapshotIndex] = as_it_is

    def observed(
        self, index: SnapshotIndex, serving: ServingModel, seed: int
    ) -> Iterator[Observation]:
        """Observations of requests, without end."""
        chance = Random(seed)
        return observed(self.alter(index), serving, (self.say(chance) for _ in count()))


SHIFTS = {
    "queries of another domain": Shift(another_domain),
    "typos in every word": Shift(typos),
    "very long queries": Shift(very_long),
    "one category gone": Shift(alter=without_category("cooking")),
    "broken tokenizer": Shift(alter=broken_tokenizer),
    "stale embeddings": Shift(alter=stale_embeddings),
}


@dataclass(frozen=True, slots=True)
class Alarm:
    """The alarm of a detector: after how many requests, and which features had drifted."""

    requests: int
    features: tuple[str, ...]


def first_alarm(
    detector: DriftDetector, observations: Iterable[Observation], most: int = 500
) -> Alarm | None:
    """Feed a detector with `most` observations, or until it raises an alarm."""
    for number, observation in enumerate(islice(observations, most), 1):
        report = detector.add(observation)
        if report is not None and report.changed and report.drifting:
            return Alarm(number, report.drifted)
    return None


def filled(serving: ServingModel, pool: Sequence[Observation], seed: int = 0) -> DriftDetector:
    """A detector whose window has clean requests in it."""
    assert serving.profile is not None
    detector = DriftDetector(serving.card, serving.profile)
    first_alarm(detector, Random(seed).choices(pool, k=WINDOW))
    return detector


def false_alarms(
    serving: ServingModel, pool: Sequence[Observation], windows: int, size: int = 1_000
) -> int:
    """Alarms in windows of clean requests, drawn from a pool and evaluated as they stream in."""
    assert serving.profile is not None
    alarms = 0
    for seed in range(windows):
        detector = DriftDetector(serving.card, serving.profile)
        alarms += first_alarm(detector, Random(seed).choices(pool, k=size), size) is not None
    return alarms
