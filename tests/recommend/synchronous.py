"""Calling a recommender from a synchronous test."""

import asyncio
from collections.abc import Awaitable
from typing import Protocol, TypeVar

from app.recommend.pipeline import Recommender
from app.recommend.ranking import RankingModel
from app.recommend.topic_signal import Evidence, Outcome, TopicSignal
from app.recommend.types import Recommendation, Request
from tests.fakes import RecordingStages

T = TypeVar("T")
OFF = Evidence(Outcome.OFF)


class Build(Protocol):
    """Builds recommenders over the shelf; by default with fusion and without a topic signal."""

    def __call__(
        self,
        topic_signal: TopicSignal | None = None,
        model: RankingModel | None = None,
        stages: RecordingStages | None = None,
        answers: int = 0,
    ) -> Recommender: ...


def run(what: Awaitable[T]) -> T:
    """The outcome of something awaitable."""

    async def main() -> T:
        return await what

    return asyncio.run(main())


def ask(
    recommender: Recommender, text: str, limit: int = 5, categories: frozenset[str] = frozenset()
) -> Recommendation:
    """The answer to one question."""
    return run(recommender.recommend(Request(text, limit, categories)))


def ids(recommendation: Recommendation) -> list[str]:
    """The documents recommended, best first."""
    return [item.document.id for item in recommendation.ranking.items]
