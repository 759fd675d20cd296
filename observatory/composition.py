"""All parts of the observatory, built in order and taken down in reverse."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from observatory.intake.receiver import LAYOUTS, Intake
from observatory.memory_budget import MemoryBudget
from observatory.query.reader import Limits, Reader
from observatory.settings import ObservatorySettings
from observatory.store.engine import Engine, EngineError
from observatory.store.retention import Keeper
from observatory.store.schema import prepare
from observatory.store.table_writer import Store

LOOKING_ROWS, LOOKING_BYTES = 100_000, 24 << 20
"""Of a query of the page's own; each has a smaller LIMIT."""
PROGRAMS = 8
"""Queries over ClickHouse's interface at a time."""
STORE_SECONDS = 1
"""For rows that wait to be stored when it stops; what was acknowledged does not wait any more."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What the servers work with."""

    settings: ObservatorySettings
    engine: Engine
    budget: MemoryBudget
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
        budget = MemoryBudget(settings.waiting_bytes)
        store = Store(engine, LAYOUTS, budget)
        last.callback(store.close, STORE_SECONDS)
        keeper = Keeper(engine, settings.disk_bytes)
        keeper.start()
        last.callback(keeper.close)
        intake = Intake(store, settings.retention_hours, budget)
        last.callback(intake.close)

        def reader(rows: int, at_once: int = 4, **more: int) -> Reader:
            limits = Limits(settings.query_seconds, settings.query_bytes, rows, **more)
            return Reader(engine, limits, at_once)

        yield Parts(
            settings=settings,
            engine=engine,
            budget=budget,
            intake=intake,
            keeper=keeper,
            page=reader(LOOKING_ROWS, result_bytes=LOOKING_BYTES),
            visitors=reader(settings.query_rows + 1),
            programs=reader(0, PROGRAMS),
        )
