"""The parts of a service in wrappers that fail on demand; implements `composition.Wrappers`."""

from collections.abc import Callable
from sqlite3 import Connection

import httpx

from app.catalogue.database import Database
from app.catalogue.index import CatalogueIndex
from app.faults import process
from app.faults.answers import FailingAnswers
from app.faults.exporting import failing
from app.faults.ledger import Ledger
from app.faults.ranking import AlteringIndex, AlteringModel
from app.faults.storage import StorageFaults
from app.faults.switchboard import Switchboard
from app.faults.wikipedia import DivertingTransport
from app.recommend.answer_cache import AnswerCache
from app.recommend.embedding import Embedder
from app.recommend.index import LiveIndex
from app.recommend.serving_model import LiveModel
from app.settings import Settings
from app.telemetry.kit.exporters import Exporters


class FaultyParts:
    """Wraps each part as it is built."""

    def __init__(self, settings: Settings, load_embedder: Callable[[], Embedder]) -> None:
        path = settings.faults.ledger or settings.data / "faults.jsonl"
        self.switchboard = Switchboard(Ledger(path))
        self._storage = StorageFaults(self.switchboard)
        self._load_embedder = load_embedder
        process.attach(self.switchboard)

    def exporters(self, exporters: Exporters) -> Exporters:
        return failing(exporters, self.switchboard)

    def reader(self, connection: Connection) -> Connection:
        return self._storage.reader(connection)

    def databases(self, databases: list[Database], index: CatalogueIndex) -> None:
        self._storage.watch(databases, index.reload)

    def transport(self, transport: httpx.AsyncBaseTransport) -> httpx.AsyncBaseTransport:
        return DivertingTransport(transport, self.switchboard)

    def index(self, index: LiveIndex) -> LiveIndex:
        return AlteringIndex(index, self.switchboard)

    def model(self, model: LiveModel) -> LiveModel:
        return AlteringModel(model, self.switchboard, self._load_embedder)

    def answers(self, most_bytes: int) -> AnswerCache:
        return FailingAnswers(most_bytes, self.switchboard)

    async def close(self) -> None:
        await self.switchboard.close()
