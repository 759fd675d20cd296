"""A ClickHouse that stops and returns, and what it or a receiver stored of a load."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Self

from tests.observatory.observatory_process import Observatory
from tests.stack.conftest import TOKEN
from tests.stack.load import Load, Stored
from tests.telemetry.receiver import Receiver, refused_port
from tests.waiting import TIMEOUT, until

PAUSE = 0.2
PLACES = {
    "traces": ("otel.otel_traces", "SpanAttributes"),
    "metrics": ("otel.otel_metrics_gauge", "Attributes"),
    "logs": ("otel.otel_logs", "LogAttributes"),
}


class ClickHouse:
    """The observatory over one folder and at one address that refuses connections in between."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._held = folder, ExitStack()

    def __enter__(self) -> Self:
        self._port = self._held.enter_context(refused_port())
        return self

    def __exit__(self, *_: object) -> None:
        self._held.close()

    @property
    def variables(self) -> dict[str, str]:
        """Where a Collector finds it, and a budget that no load here exceeds."""
        return {
            "CLICKHOUSE_ENDPOINT": f"http://127.0.0.1:{self._port}",
            "CLICKHOUSE_PASSWORD": TOKEN,
            "COLLECTOR_SAMPLING_BUDGET": "1000000",
        }

    @contextmanager
    def up(self) -> Iterator[Observatory]:
        """It listens; at the end of the block it is killed."""
        with Observatory(self._folder, clickhouse_port=self._port, write_token=TOKEN) as running:
            running.clickhouse = self.variables["CLICKHOUSE_ENDPOINT"]
            yield running


def stored(store: Observatory, load: Load) -> Stored:
    """What ClickHouse has of a load."""
    return {signal: _counted(store, load, *place) for signal, place in PLACES.items()}


def _counted(store: Observatory, load: Load, table: str, attributes: str) -> Counter[str]:
    rows = store.rows(
        f"SELECT {attributes}['id'] AS id, count() AS times FROM {table}"
        f" WHERE {attributes}['load'] = '{load.name}' GROUP BY id"
    )
    return Counter({row["id"]: int(row["times"]) for row in rows})


def delivered(receiver: Receiver, load: Load) -> Stored:
    """What a receiver has accepted of a load."""
    every: dict[str, list[Any]] = {
        "traces": receiver.spans,
        "metrics": receiver.metrics,
        "logs": receiver.logs,
    }
    return {
        signal: Counter(
            str(each.attributes["id"]) for each in of if each.attributes.get("load") == load.name
        )
        for signal, of in every.items()
    }


def own(store: Observatory, metric: str) -> int:
    """The highest value of one of the Collector's own counters, over all its attributes."""
    return int(
        store.value(
            "SELECT sum(value) FROM (SELECT max(Value) AS value FROM otel.otel_metrics_sum"
            f" WHERE MetricName = '{metric}' AND ServiceName = 'vitrine-collector'"
            " GROUP BY Attributes, ResourceAttributes)"
        )
        or 0
    )


def awaited(condition: Callable[[], bool]) -> None:
    """Return as soon as a condition holds that is costly to look at."""
    until(condition, TIMEOUT, PAUSE)
