"""All parts of the observatory, built in order and taken down in reverse."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from observatory.engine import Engine, EngineError
from observatory.intake.receiving import LAYOUTS, Intake
from observatory.keeping import Keeper
from observatory.reading import Limits, Reader
from observatory.schema import prepare
from observatory.settings import ObservatorySettings
from observatory.store import Store

LOOKING_ROWS = 100_000
"""Of a query of the page's own; each has a smaller LIMIT."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What the servers work with."""

    settings: ObservatorySettings
    engine: Engine
    intake: Intake
    keeper: Keeper
    page: Reader
    """For the page's own queries."""
    visitors: Reader
    """For what people type."""
    programs: Reader
    """For ClickHouse's interface, whose results are not cut."""


@contextmanager
def running(settings: ObservatorySettings) -> Iterator[Parts]:
    """The parts, working; afterwards everything that was acknowledged is stored."""
    with ExitStack() as last:
        try:
            engine = Engine(settings.data, settings.memory_bytes)
        except OSError as error:
            raise EngineError(str(error)) from error
        last.callback(engine.close)
        prepare(engine, settings.retention_hours, settings.disk_bytes)
        last.callback(engine.interrupt)
        store = Store(engine, LAYOUTS, settings.waiting_bytes)
        last.callback(store.close)
        keeper = Keeper(engine, settings.disk_bytes)
        keeper.start()
        last.callback(keeper.close)

        def reader(rows: int) -> Reader:
            return Reader(engine, Limits(settings.query_seconds, settings.query_bytes, rows))

        yield Parts(
            settings=settings,
            engine=engine,
            intake=Intake(store, settings.retention_hours),
            keeper=keeper,
            page=reader(LOOKING_ROWS),
            visitors=reader(settings.query_rows + 1),
            programs=reader(0),
        )
