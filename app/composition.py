"""The parts of a running service: built in the lifespan, taken apart in it."""

import logging
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import httpx
from starlette.types import Scope

from app import __version__
from app.catalogue import feedback_journal, store
from app.catalogue.database import Database, Watch, unwatched
from app.catalogue.feedback_journal import Journal
from app.catalogue.index import CatalogueIndex
from app.catalogue.store import Catalogue
from app.catalogue.vectors import Models
from app.recommend.answer_cache import Answers
from app.recommend.embedding import Embedder, StaticEmbedder
from app.recommend.fusion import Fusion
from app.recommend.leg import Leg
from app.recommend.pipeline import Recommender
from app.recommend.ranking import (
    ArtefactRefused,
    FallbackModel,
    PairwiseModel,
    RankingModel,
    RefusedModel,
)
from app.recommend.stages import StageObserver, Unobserved
from app.recommend.topic_signal import NoTopicSignal
from app.settings import Settings
from app.wikipedia.client import Wikipedia
from app.wikipedia.signal import WikipediaSignal

log = logging.getLogger(__name__)


class Watcher(Protocol):
    """Who watches the parts: their stages, their connections and their calls."""

    @property
    def stages(self) -> StageObserver: ...

    def connection(self, connection: sqlite3.Connection) -> sqlite3.Connection: ...

    def client(self, client: httpx.AsyncClient) -> None: ...

    def parts(self, parts: "Parts") -> None: ...

    def refused(self, problem: str, status: int | None, scope: Scope | None) -> None: ...


class Unwatched:
    """Nobody does."""

    stages = Unobserved()

    def connection(self, connection: sqlite3.Connection) -> sqlite3.Connection:
        return connection

    def client(self, client: httpx.AsyncClient) -> None: ...

    def parts(self, parts: "Parts") -> None: ...

    def refused(self, problem: str, status: int | None, scope: Scope | None) -> None: ...


@dataclass(frozen=True, slots=True)
class Parts:
    """What handlers work with."""

    settings: Settings
    catalogue: Catalogue
    journal: Journal
    recommender: Recommender
    model: RankingModel
    topic_signal: WikipediaSignal | NoTopicSignal
    stages: StageObserver


def load_embedder() -> Embedder:
    """The dense leg's model. Another one behind the same protocol is exchanged here."""
    return StaticEmbedder()


def further_legs(catalogue: Catalogue) -> tuple[Leg, ...]:  # noqa: ARG001 - what a leg may need
    """The legs besides words, meaning and subject (`recommend/leg.py`): one line for each."""
    return ()


def open_catalogue(folder: Path, watch: Watch = unwatched) -> Catalogue:
    """The catalogue in a data folder. Raises SchemaTooNew."""
    database = Database(folder / "catalogue.db", store.SCHEMA, store.SCHEMA_VERSION, watch)
    return Catalogue(database, Models(load_embedder()))


def model_path(settings: Settings) -> Path:
    """Where the trained ranking model is kept."""
    return settings.data / "ranking-model.json"


def load_model(path: Path, legs: Sequence[Leg] = ()) -> RankingModel:
    """The trained model where there is one, or fusion; a bad artefact never stops the service."""
    fusion = Fusion(legs)
    if not path.exists():
        return fusion
    try:
        trained = PairwiseModel.load(path.read_bytes(), [leg.name for leg in legs])
        return FallbackModel(trained, fusion)
    except (ArtefactRefused, OSError) as error:
        log.warning("%s is not used, fusion ranks instead: %s", path, error)
        return RefusedModel(error, fusion)


def user_agent(settings: Settings) -> str:
    """As Wikimedia's User-Agent policy asks: program, version, contact."""
    return f"Vitrine/{__version__} ({settings.wikipedia.contact or 'contact not configured'})"


@asynccontextmanager
async def running(settings: Settings, watcher: Watcher) -> AsyncIterator[Parts]:
    """Open everything; on the way out close it in the opposite order."""
    stages = watcher.stages
    async with AsyncExitStack() as stack:
        catalogue = open_catalogue(settings.data, watcher.connection)
        stack.enter_context(closing(catalogue.database))
        catalogue.ensure_models()
        written = Database(
            settings.data / "journal.db", feedback_journal.SCHEMA, feedback_journal.SCHEMA_VERSION
        )
        stack.enter_context(closing(written))
        notes = stack.enter_context(
            closing(Journal(written, settings.journal_rows, others=settings.server.workers > 1))
        )
        embedder = catalogue.models.embedder
        topic_signal: WikipediaSignal | NoTopicSignal = NoTopicSignal()
        if settings.wikipedia.enabled:
            client = Wikipedia(settings.wikipedia, user_agent(settings), stages, watcher.client)
            topic_signal = WikipediaSignal(client, embedder.embed, settings.wikipedia, stages)
            stack.push_async_callback(topic_signal.close)
        legs = further_legs(catalogue)
        index = CatalogueIndex(catalogue.database, catalogue.models, settings.lexical_index, legs)
        model = load_model(model_path(settings), legs)
        answers = Answers(settings.answers_bytes)
        recommender = Recommender(index, model, topic_signal, answers, stages)
        parts = Parts(settings, catalogue, notes, recommender, model, topic_signal, stages)
        watcher.parts(parts)
        yield parts
