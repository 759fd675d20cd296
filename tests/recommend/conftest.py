"""A small catalogue, and recommenders over it."""

import pytest

from app.catalogue.index import CatalogueIndex
from app.catalogue.store import Catalogue
from app.recommend.answer_cache import AnswerCache
from app.recommend.fusion import Fusion
from app.recommend.pipeline import Recommender
from app.recommend.ranking import RankingModel
from app.recommend.serving_model import ServingModel
from app.recommend.stages import Unobserved
from app.recommend.topic_signal import TopicSignal
from tests.fakes import SHELF, FakeTopicSignal, RecordingStages
from tests.opening import OpenCatalogue
from tests.recommend.synchronous import OFF, Build


@pytest.fixture
def shelf(open_catalogue: OpenCatalogue) -> Catalogue:
    """The catalogue of SHELF."""
    return open_catalogue(SHELF)


@pytest.fixture
def recommender(shelf: Catalogue) -> Build:
    """Builds recommenders over the shelf."""
    index = CatalogueIndex(shelf.database, shelf.models)

    def build(
        topic_signal: TopicSignal | None = None,
        model: RankingModel | None = None,
        stages: RecordingStages | None = None,
        answers: int = 0,
    ) -> Recommender:
        signal = topic_signal or FakeTopicSignal(OFF)
        observer = stages or Unobserved()
        serving = ServingModel(model or Fusion())
        return Recommender(index, serving, signal, AnswerCache(answers), observer)

    return build
