"""Answers given before, for as long as nothing they were made from has changed."""

from dataclasses import replace

from cachetools import LRUCache

from app.recommend.index import Index
from app.recommend.topic_signal import Evidence
from app.recommend.types import Recommendation, Request


class Answers:
    """The last answers, as many as fit. Used on one thread.

    One is good only for the same moment of the catalogue and the same pages, so it can neither be
    stale nor hide that something was missing.
    """

    def __init__(self, most_bytes: int) -> None:
        """`most_bytes`: what they may take in memory, about; 0 remembers nothing."""
        self._known: LRUCache[Request, tuple[Evidence, Recommendation]] = LRUCache(
            most_bytes, getsizeof=lambda kept: _bytes(kept[1])
        )
        self._index: Index | None = None

    def get(self, request: Request, index: Index, evidence: Evidence) -> Recommendation | None:
        """The answer given before to the same request under the same conditions."""
        if index is not self._index or evidence.outcome.degraded:
            return None
        known = self._known.get(request)
        return known[1] if known is not None and known[0].pages is evidence.pages else None

    def keep(
        self, request: Request, index: Index, evidence: Evidence, answer: Recommendation
    ) -> None:
        """Remember a complete answer; one that lacks something is made anew next time."""
        if answer.degraded or _bytes(answer) > self._known.maxsize:
            return
        if index is not self._index:  # answers of a past moment would only hold it in memory
            self._known.clear()
            self._index = index
        self._known[request] = evidence, replace(answer, kept=True)


def _bytes(answer: Recommendation) -> int:
    """What an answer takes in memory, about: text at two bytes a character, and its reasons."""
    documents = (each.document for each in answer.ranking.items)
    return sum((2_000 + 2 * len(each.text) for each in documents), 4_000)
