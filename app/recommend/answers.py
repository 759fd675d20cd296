"""Answers given before, for as long as nothing they were made from has changed."""

from cachetools import LRUCache

from app.recommend.topic_signal import Evidence
from app.recommend.types import Index, Recommendation, Request


class Answers:
    """The last `size` answers. One is good only for the same moment of the catalogue and the same
    pages, so it can neither be stale nor hide that something was missing. Used on one thread."""

    def __init__(self, size: int) -> None:
        """`size` 0 remembers nothing."""
        self._known: LRUCache[Request, tuple[Index, Evidence, Recommendation]] = LRUCache(size)

    def get(self, request: Request, index: Index, evidence: Evidence) -> Recommendation | None:
        """The answer given before to the same request under the same conditions."""
        known = self._known.get(request)
        if known is None or known[0] is not index or known[1].pages is not evidence.pages:
            return None
        return known[2]

    def keep(
        self, request: Request, index: Index, evidence: Evidence, answer: Recommendation
    ) -> None:
        """Remember a complete answer; one that lacks something is made anew next time."""
        if not answer.degraded and self._known.maxsize:
            self._known[request] = index, evidence, answer
