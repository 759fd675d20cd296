"""Faults of the ranking model, and of the data it scores: altered copies of the real parts.

The copies are made once for each version that they replace, so that cached answers of the real
model are not served for them, nor theirs afterwards.
"""

import time
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import replace
from typing import Any

import numpy as np

from app.catalogue.index import SnapshotIndex
from app.faults.switchboard import Switchboard
from app.recommend.embedding import Embedder
from app.recommend.fusion import Fusion
from app.recommend.index import Index, LiveIndex
from app.recommend.ranking import FallbackModel, PairwiseModel, RankingModel, RefusedModel
from app.recommend.serving_model import LiveModel, ServingModel
from app.recommend.types import Candidates, Floats, Keys, ModelCard, Probe, Query, Scored, Stored

Scale = Callable[[Floats], Floats]
"""Changes weights (n,)."""
MODELS: dict[str, Callable[["AlteringModel", RankingModel], RankingModel]] = {
    "model-slow": lambda live, model: SlowModel(model, live.wait),
    "model-reloaded": lambda live, model: SlowModel(model, live.reload),
    "model-nan": lambda _, model: altered(model, lambda weights: weights * np.float32("nan")),
    "model-wrong-version": lambda _, model: altered(
        model, lambda weights: weights[::-1].copy(), version="0"
    ),
    "model-negated": lambda _, model: Negated(model),
    "weights-changed": lambda _, model: altered(model, _favour_the_last),
}


class AlteringModel:
    """A `LiveModel` that gives an altered model while a fault is on."""

    def __init__(
        self, live: LiveModel, switchboard: Switchboard, load: Callable[[], object]
    ) -> None:
        """`load` loads the embedding model."""
        self._live, self._switchboard, self._load = live, switchboard, load
        self._made: dict[str, tuple[ServingModel, ServingModel]] = {}

    def now(self) -> ServingModel:
        __tracebackhide__ = True
        serving = self._live.now()
        active = self._switchboard.hit(*MODELS)
        if active is None:
            return serving
        name = active.fault.name
        made = self._made.get(name)
        if made is None or made[0] is not serving:
            model = MODELS[name](self, serving.model)
            made = self._made[name] = serving, replace(serving, model=model)
        return made[1]

    def wait(self) -> None:
        """Take as long as the fault says."""
        if (active := self._switchboard.active("model-slow")) is not None:
            time.sleep(active.delay)

    def reload(self) -> None:
        """Load the embedding model."""
        if self._switchboard.active("model-reloaded"):
            self._load()


class SlowModel:
    """Does something else before it scores."""

    def __init__(self, model: RankingModel, before: Callable[[], None]) -> None:
        self._model, self._before = model, before
        self.card = model.card

    def score(self, candidates: Candidates) -> Scored:
        __tracebackhide__ = True
        self._before()
        return self._model.score(candidates)


class Negated:
    """The opposite order; scores stay sums in [0, 1]."""

    def __init__(self, model: RankingModel) -> None:
        self._model = model
        self.card = model.card

    def score(self, candidates: Candidates) -> Scored:
        __tracebackhide__ = True
        scored = self._model.score(candidates)
        return replace(
            scored,
            scores=1 - scored.scores,
            contributions=-scored.contributions,
            weights={leg: -weight for leg, weight in scored.weights.items()},
            base=1 - scored.base,
        )


def altered(model: RankingModel, scale: Scale, version: str = "") -> RankingModel:
    """A copy with other weights; with another version in its card, if given."""
    made: Any = copy(model)
    if isinstance(model, FallbackModel):
        return FallbackModel(altered(model.preferred, scale, version), model.other)
    if isinstance(model, RefusedModel):
        return RefusedModel(model.refusal, altered(model.other, scale, version))
    if isinstance(model, PairwiseModel):
        made = model.with_coefficients(scale(model.coefficients))
    elif isinstance(model, Fusion):
        legs, weights = zip(*model.weights.items(), strict=True)
        changed = scale(np.array(weights, np.float32))
        made.weights = dict(zip(legs, changed.tolist(), strict=True))
    if version:
        made.card = ModelCard(made.card.name, version)
    return made  # type: ignore[no-any-return]


def _favour_the_last(weights: Floats) -> Floats:
    """Most of the weight on the last leg that has any."""
    total, changed = weights.sum(), weights * np.float32(0.1)
    last = int(np.flatnonzero(weights)[-1])
    changed[last] += total - changed.sum()
    return changed


class AlteringIndex:
    """A `LiveIndex` that gives an altered index while a fault is on."""

    def __init__(self, live: LiveIndex, switchboard: Switchboard) -> None:
        self._live, self._switchboard = live, switchboard
        self._made: dict[str, tuple[Index, Index]] = {}

    def now(self) -> Index:
        __tracebackhide__ = True
        index = self._live.now()
        active = self._switchboard.hit("embeddings-stale", "model-raises")
        if active is None or not isinstance(index, SnapshotIndex):
            return index
        name = active.fault.name
        made = self._made.get(name)
        if made is None or made[0] is not index:
            made = self._made[name] = index, _altered_index(name, index, active.seed)
        return made[1]


def _altered_index(name: str, index: SnapshotIndex, seed: int) -> Index:
    if name == "embeddings-stale":
        return index.with_embedder(OtherEmbedder(index.embedder, seed))
    return BrokenFeatures(index, seed)


class OtherEmbedder:
    """Vectors of the right shape, but of another space: their dimensions are in another order."""

    def __init__(self, embedder: Embedder, seed: int) -> None:
        self._embedder = embedder
        self._order = np.random.default_rng(seed).permutation(embedder.width)
        self.name, self.version = embedder.name, embedder.version
        self.hash, self.width = embedder.hash, embedder.width
        self.quick, self.weight = embedder.quick, embedder.weight

    def embed(self, texts: Sequence[str]) -> Floats:
        __tracebackhide__ = True
        return self._embedder.embed(texts)[:, self._order]

    def embed_queries(self, texts: Sequence[str]) -> Floats:
        __tracebackhide__ = True
        return self._embedder.embed_queries(texts)[:, self._order]


class BrokenFeatures:
    """An index whose candidates have features that are not numbers if the one with the best words
    is of the largest category: then the model fails. `seed` chooses among equally large ones."""

    def __init__(self, index: SnapshotIndex, seed: int) -> None:
        self._index = index
        now = index.snapshot
        live = now.categories[now.live]
        sizes = np.bincount(live, minlength=1)
        equals = np.flatnonzero(sizes == sizes.max())
        largest = equals[seed % len(equals)] if len(live) else -1
        self._keys = set(now.keys[now.categories == largest].tolist())

    @property
    def quick(self) -> bool:
        return self._index.quick

    def rarity(self, stem: str) -> float:
        __tracebackhide__ = True
        return self._index.rarity(stem)

    def nearest(self, stem: str) -> tuple[str, str] | None:
        __tracebackhide__ = True
        return self._index.nearest(stem)

    def probe(self, query: Query) -> Probe:
        __tracebackhide__ = True
        return self._index.probe(query)

    def probes(self, queries: Sequence[Query]) -> list[Probe]:
        __tracebackhide__ = True
        return self._index.probes(queries)

    def probe_like(self, document_id: str) -> tuple[Query, Probe] | None:
        __tracebackhide__ = True
        return self._index.probe_like(document_id)

    def retrieve(self, probe: Probe, depth: int, categories: frozenset[str]) -> Candidates:
        __tracebackhide__ = True
        found = self._index.retrieve(probe, depth, categories)
        if len(found) and int(found.keys[found.lexical.argmax()]) in self._keys:
            return replace(found, lexical=found.lexical * np.float32("nan"))
        return found

    def documents(self, keys: Keys) -> list[Stored]:
        __tracebackhide__ = True
        return self._index.documents(keys)
