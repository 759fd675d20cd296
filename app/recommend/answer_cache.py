"""Cache of recommendations, valid as long as their inputs have not changed."""

from dataclasses import replace

from cachetools import LRUCache

from app.recommend.index import Index
from app.recommend.serving_model import ServingModel
from app.recommend.topic_signal import Evidence
from app.recommend.types import Recommendation, Request

MODELS = 2
"""Champion and challenger may answer at the same time."""


class AnswerCache:
    """LRU cache of complete recommendations. Not thread-safe.

    An entry is valid only for the same index object, the same model object and the same topic
    pages: it is never stale, and a degraded recommendation is never cached. MODELS have entries at
    the same time; one more clears the cache.
    """

    def __init__(self, most_bytes: int) -> None:
        """`most_bytes`: approximate size in memory; 0 disables the cache."""
        self._entries: LRUCache[tuple[Request, ServingModel], tuple[Evidence, Recommendation]]
        self._entries = LRUCache(most_bytes, getsizeof=lambda entry: _bytes(entry[1]))
        self._index: Index | None = None
        self._models: set[ServingModel] = set()

    def get(
        self, request: Request, index: Index, model: ServingModel, evidence: Evidence
    ) -> Recommendation | None:
        """The cached recommendation for the same request, index, model and pages, or None."""
        if index is not self._index or evidence.outcome.degraded:
            return None
        entry = self._entries.get((request, model))
        return entry[1] if entry is not None and entry[0].pages is evidence.pages else None

    def clear(self) -> None:
        """Remove every entry."""
        self._entries.clear()

    def put(
        self,
        request: Request,
        index: Index,
        model: ServingModel,
        evidence: Evidence,
        answer: Recommendation,
    ) -> None:
        """Cache a recommendation, unless it is degraded."""
        if answer.degraded or _bytes(answer) > self._entries.maxsize:
            return
        replaced = model not in self._models and len(self._models) == MODELS
        if index is not self._index or replaced:  # older entries hold their index and model
            self._entries.clear()
            self._models.clear()
            self._index = index
        self._models.add(model)
        self._entries[request, model] = evidence, replace(answer, cached=True)


class PastAnswers:
    """Remembers which of the last requests had results, to notice when one has none any more."""

    def __init__(self, most: int = 10_000) -> None:
        self._hashes: LRUCache[int, None] = LRUCache(most)

    def is_suspect(self, request: Request, answer: Recommendation) -> bool:
        """Whether an answer is empty that should not be: the same request had results before, or
        the catalogue contains words of the query and the request allows every category."""
        key = hash(request)
        if answer.ranking.items:
            self._hashes[key] = None
            return False
        known = len(answer.query.terms) > len(answer.query.unknown)
        return key in self._hashes or (known and not request.categories)


def _bytes(answer: Recommendation) -> int:
    """Approximate size in memory: text at two bytes per character, plus reasons."""
    documents = (each.document for each in answer.ranking.items)
    return sum((2_000 + 2 * len(each.text) for each in documents), 4_000)
