"""Builds the parts of the observatory in order and closes them in reverse."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from observatory.intake.receiver import LAYOUTS, Intake
from observatory.memory_budget import MemoryBudget
from observatory.query.reader import Limits, Reader
from observatory.runs.run import Run
from observatory.settings import ObservatorySettings
from observatory.store.engine import Engine, EngineError
from observatory.store.retention import DiskLimiter
from observatory.store.schema import prepare
from observatory.store.table_writer import Store
from slo.objectives import Plan, read

PAGE_QUERY_ROWS, PAGE_QUERY_BYTES = 100_000, 24 << 20
"""Limits of a query made by the pages; each has a smaller LIMIT of its own."""
CLICKHOUSE_QUERIES = 8
"""Concurrent queries over ClickHouse's HTTP interface."""
STORE_SECONDS = 1
"""Time to store queued rows at shutdown. Acknowledged rows are stored already."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts that the servers use."""

    settings: ObservatorySettings
    engine: Engine
    budget: MemoryBudget
    intake: Intake
    disk_limiter: DiskLimiter
    page_reader: Reader
    """Runs the queries of the pages."""
    sql_reader: Reader
    """Runs queries that users type."""
    clickhouse_reader: Reader
    """Runs queries of ClickHouse's HTTP interface; results are not cut."""
    opened: Run | None = None
    """The exported run that is shown, if it is not what this observatory received."""
    plan: Plan | None = None
    """Objectives and alerts to evaluate, if there are any."""


@contextmanager
def open_parts(settings: ObservatorySettings) -> Iterator[Parts]:
    """The running parts; closes them on exit. Everything acknowledged is stored by then.

    Raises:
        EngineError: the data folder cannot be used.
        InvalidDeclaration: the objectives or alerts are invalid.

    """
    plan = read(settings.objectives) if settings.objectives.is_dir() else None
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
        disk_limiter = DiskLimiter(engine, settings.disk_bytes)
        disk_limiter.start()
        last.callback(disk_limiter.close)
        intake = Intake(store, settings.retention_hours, budget)
        last.callback(intake.close)

        def reader(rows: int, concurrency: int = 4, **more: int) -> Reader:
            limits = Limits(settings.query_seconds, settings.query_bytes, rows, **more)
            return Reader(engine, limits, concurrency)

        yield Parts(
            settings=settings,
            engine=engine,
            budget=budget,
            intake=intake,
            disk_limiter=disk_limiter,
            page_reader=reader(PAGE_QUERY_ROWS, result_bytes=PAGE_QUERY_BYTES),
            sql_reader=reader(settings.query_rows + 1),
            clickhouse_reader=reader(0, CLICKHOUSE_QUERIES),
            plan=plan,
        )
