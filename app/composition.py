"""Builds the parts of a running service in the lifespan and closes them in reverse order."""

import logging
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import httpx
from openfeature.hook import Hook
from starlette.types import Scope

from app import __version__
from app.catalogue import feedback_journal, store
from app.catalogue.database import Database, Instrument, uninstrumented
from app.catalogue.feedback_journal import Journal
from app.catalogue.index import CatalogueIndex
from app.catalogue.store import Catalogue
from app.catalogue.vectors import Models
from app.model import live_model
from app.model.calibrators import load_calibrators
from app.model.drift_monitor import DriftMonitor
from app.model.encoders import LoadedEncoder, load_encoder
from app.model.online_monitor import OnlineMonitor
from app.model.profiling import load_profile
from app.model.registry import Registry
from app.model.shadow import ShadowScorer
from app.model.split import Split
from app.model.student_watch import StudentWatch
from app.model.version_loader import VersionLoader
from app.model.watch import Watch
from app.recommend.answer_cache import AnswerCache
from app.recommend.batch import BatchRecommender
from app.recommend.embedding import Embedder, StaticEmbedder
from app.recommend.fusion import Fusion
from app.recommend.index import LiveIndex
from app.recommend.leg import Leg
from app.recommend.pipeline import Recommender
from app.recommend.ranking import RankingModel
from app.recommend.serving_model import LiveModel, ServingModel
from app.recommend.stages import StageObserver, Unobserved
from app.recommend.student import StudentEmbedder
from app.recommend.topic_signal import NoTopicSignal
from app.settings import Settings, WatchSettings
from app.telemetry.kit.context import traceparent
from app.telemetry.kit.exporters import Exporters
from app.wikipedia.client import Wikipedia
from app.wikipedia.signal import WikipediaSignal

log = logging.getLogger(__name__)


class Instrumentation(Protocol):
    """Instruments the parts: stages, connections, HTTP clients, refused requests, limits."""

    @property
    def stages(self) -> StageObserver: ...

    @property
    def flag_hooks(self) -> Sequence[Hook]: ...

    def connection(self, connection: sqlite3.Connection) -> sqlite3.Connection: ...

    def client(self, client: httpx.AsyncClient) -> None: ...

    def parts(self, parts: "Parts") -> None: ...

    def refused(self, problem: str, status: int | None, scope: Scope | None) -> None: ...

    def limited(self, name: str, used: Callable[[], int], limit: int) -> None: ...


class NoInstrumentation:
    """Null implementation of `Instrumentation`."""

    stages = Unobserved()
    flag_hooks: Sequence[Hook] = ()

    def connection(self, connection: sqlite3.Connection) -> sqlite3.Connection:
        return connection

    def client(self, client: httpx.AsyncClient) -> None: ...

    def parts(self, parts: "Parts") -> None: ...

    def refused(self, problem: str, status: int | None, scope: Scope | None) -> None: ...

    def limited(self, name: str, used: Callable[[], int], limit: int) -> None: ...


class Wrappers(Protocol):
    """Wraps parts as they are built, to let them fail on demand (app/faults)."""

    def exporters(self, exporters: Exporters) -> Exporters: ...

    def reader(self, connection: sqlite3.Connection) -> sqlite3.Connection: ...

    def databases(self, databases: list[Database], index: CatalogueIndex) -> None: ...

    def transport(self, transport: httpx.AsyncBaseTransport) -> httpx.AsyncBaseTransport: ...

    def index(self, index: LiveIndex) -> LiveIndex: ...

    def model(self, model: LiveModel) -> LiveModel: ...

    def answers(self, most_bytes: int) -> AnswerCache: ...

    async def close(self) -> None: ...


class NoWrappers:
    """Null implementation of `Wrappers`."""

    def exporters(self, exporters: Exporters) -> Exporters:
        return exporters

    def reader(self, connection: sqlite3.Connection) -> sqlite3.Connection:
        return connection

    def databases(self, databases: list[Database], index: CatalogueIndex) -> None: ...

    def transport(self, transport: httpx.AsyncBaseTransport) -> httpx.AsyncBaseTransport:
        return transport

    def index(self, index: LiveIndex) -> LiveIndex:
        return index

    def model(self, model: LiveModel) -> LiveModel:
        return model

    def answers(self, most_bytes: int) -> AnswerCache:
        return AnswerCache(most_bytes)

    async def close(self) -> None: ...


NO_WRAPPERS = NoWrappers()


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts that request handlers use."""

    settings: Settings
    catalogue: Catalogue
    journal: Journal
    recommender: Recommender
    batches: BatchRecommender
    model: live_model.LiveModel
    loader: VersionLoader
    watch: Watch
    split: Split
    calibrator_problems: Sequence[str]
    encoder: LoadedEncoder
    topic_signal: WikipediaSignal | NoTopicSignal
    stages: StageObserver


def load_embedder() -> Embedder:
    """The default encoder of the dense leg. Replace it here with any other `Embedder`."""
    return StaticEmbedder()


def chosen_encoder(settings: Settings) -> LoadedEncoder:
    """The encoder of the settings, or the default one with the problem of the chosen one."""
    return load_encoder(settings.encoder, settings.data, settings.teacher, load_embedder)


def further_legs(catalogue: Catalogue) -> tuple[Leg, ...]:  # noqa: ARG001 - a leg may need it
    """The legs besides lexical, dense and latent (`recommend/leg.py`): one line for each."""
    return ()


def open_catalogue(
    folder: Path,
    instrument: Instrument = uninstrumented,
    stages: StageObserver | None = None,
    encoder: Embedder | None = None,
) -> Catalogue:
    """The catalogue in a data folder; `encoder` of the dense leg, or the default one.

    Raises SchemaTooNew, EmbedderRefused.
    """
    path, version = folder / "catalogue.db", store.SCHEMA_VERSION
    database = Database(path, store.SCHEMA, version, instrument, stages)
    return Catalogue(database, Models(encoder or load_embedder()))


def load_model(encoder: Embedder, legs: Sequence[Leg] = ()) -> RankingModel:
    """The ranking model that serves until a trained version is promoted."""
    return Fusion(legs, encoder.weight)


def version_loader(
    settings: Settings, catalogue: Catalogue, legs: Sequence[Leg] = ()
) -> tuple[VersionLoader, Sequence[str]]:
    """What loads versions of the model, and the problems of the built-in model's calibrator."""
    model = load_model(catalogue.models.embedder, legs)
    calibrators = load_calibrators(
        settings.data,
        {Fusion.card, model.card},
        catalogue.models.embedder.name,
        settings.answered_from,
    )
    profile = load_profile(settings.data, catalogue, model.card)
    built_in = ServingModel(model, calibrators.by_model, profile=profile)
    registry = Registry(settings.data / "models")
    loader = VersionLoader(registry, catalogue, legs, built_in, settings.answered_from)
    return loader, calibrators.problems


def watching(
    settings: WatchSettings,
    model: live_model.LiveModel,
    journal: Database,
    index: CatalogueIndex,
    stages: StageObserver,
) -> Watch:
    """What watches the serving model and encoder; its threads start with its context."""
    share, encoder = settings.shadow_share, index.now().embedder
    student = None
    if settings.student_share and isinstance(encoder, StudentEmbedder):
        student = StudentWatch(settings.student_share, encoder, index, stages, traceparent)
    return Watch(
        model,
        DriftMonitor(stages) if settings.drift else None,
        ShadowScorer(share, stages, traceparent) if share else None,
        OnlineMonitor(journal, settings.feedback_seconds, stages) if settings.feedback else None,
        student,
    )


class Recommenders:
    """What answers requests, and what answers batches: with the same index, model and watch."""

    def __init__(
        self,
        index: LiveIndex,
        model: LiveModel,
        stages: StageObserver,
        watch: Watch,
        topic_signal: WikipediaSignal | NoTopicSignal,
        answers: AnswerCache,
    ) -> None:
        self.single = Recommender(index, model, topic_signal, answers, stages, watch)
        self.batches = BatchRecommender(index, model, stages, watch)


def user_agent(settings: Settings) -> str:
    """Program, version and contact, as Wikimedia's User-Agent policy requires."""
    return f"Vitrine/{__version__} ({settings.wikipedia.contact or 'contact not configured'})"


@asynccontextmanager
async def running(
    settings: Settings, instrumentation: Instrumentation, wrappers: Wrappers = NO_WRAPPERS
) -> AsyncIterator[Parts]:
    """Build the parts; close them in reverse order at the end of the block."""
    stages = instrumentation.stages

    def reader(connection: sqlite3.Connection) -> sqlite3.Connection:
        return instrumentation.connection(wrappers.reader(connection))

    async with AsyncExitStack() as stack:
        encoder = chosen_encoder(settings)
        catalogue = open_catalogue(settings.data, reader, stages, encoder.embedder)
        stack.enter_context(closing(catalogue.database))
        catalogue.ensure_models()
        written = Database(
            settings.data / "journal.db", feedback_journal.SCHEMA, feedback_journal.SCHEMA_VERSION,
            stages=stages,
        )  # fmt: skip
        stack.enter_context(closing(written))
        shared = settings.server.workers > 1
        notes = Journal(
            written, settings.journal_rows, shared=shared, queries=settings.journal_queries,
            stages=stages,
        )  # fmt: skip
        stack.enter_context(closing(notes))
        topic_signal: WikipediaSignal | NoTopicSignal = NoTopicSignal()
        if settings.wikipedia.enabled:
            client = Wikipedia(
                settings.wikipedia, user_agent(settings), stages, instrumentation.client,
                wrappers.transport,
            )  # fmt: skip
            topic_signal = WikipediaSignal(
                client, encoder.embedder.embed_queries, settings.wikipedia, stages
            )
            stack.push_async_callback(topic_signal.close)
        legs = further_legs(catalogue)
        index = CatalogueIndex(
            catalogue.database, catalogue.models, settings.lexical_index, legs, stages
        )
        loader, problems = version_loader(settings, catalogue, legs)
        model = live_model.LiveModel(loader.registry, loader, stages)
        watch = stack.enter_context(watching(settings.watch, model, written, index, stages))
        split = stack.enter_context(
            closing(Split(settings.split.share, model, instrumentation.flag_hooks))
        )
        recommenders = Recommenders(
            wrappers.index(index), wrappers.model(model), stages, watch, topic_signal,
            wrappers.answers(settings.answers_bytes),
        )  # fmt: skip
        wrappers.databases([catalogue.database, written], index)
        stack.push_async_callback(wrappers.close)
        parts = Parts(
            settings, catalogue, notes, recommenders.single, recommenders.batches, model,
            loader, watch, split, problems, encoder, topic_signal, stages,
        )  # fmt: skip
        instrumentation.parts(parts)
        yield parts
