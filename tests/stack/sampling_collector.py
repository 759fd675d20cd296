"""A Collector that samples: the traces in the store, and its own metrics.

with sampling(otelcol, folder, store, COLLECTOR_SAMPLING_PERCENTAGE=0) as sampler:
    sampler.send([trace("failed")])
    sampler.decided(1)
    assert sampler.kept == {…}
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.observatory.messages import fresh
from tests.observatory.observatory_process import Observatory
from tests.observatory.otlp_client import over_grpc
from tests.stack.collector_process import LONG_TIMEOUT, Collector
from tests.stack.conftest import to
from tests.stack.generated_traces import Made, together
from tests.waiting import until

PROMPT = """
connectors:
  spanmetrics: {metrics_flush_interval: 1s}
"""
"""Overlay: span metrics are flushed each second."""
DECIDED = "otelcol_processor_tail_sampling_global_count_traces_sampled"
BY_POLICY = "otelcol_processor_tail_sampling_count_traces_sampled"
LATE = "otelcol_processor_tail_sampling_early_releases_from_cache_decision"


class Sampler:
    """A Collector with metrics and service names of its own."""

    def __init__(self, collector: Collector, store: Observatory, environment: str) -> None:
        self.collector, self.store, self._environment = collector, store, environment
        self.service = f"vitrine-{environment}"

    def send(self, made: list[Made]) -> None:
        """Of our service, in one message."""
        self.send_message(together(made, self.service))

    def send_message(self, message: Any) -> None:
        """A message; it has to be taken."""
        assert over_grpc(self.collector, "traces", message).code == 0

    def decided(self, count: int) -> None:
        """Return when so many traces are decided, and all sampled ones are in the store."""
        until(lambda: self.report(DECIDED) == count)
        until(lambda: len(self.stored()) == self.report(DECIDED, decision="sampled"))

    def stored(self, service: str = "%") -> dict[str, int]:
        """How many spans of each trace are in the store."""
        rows = self.store.rows(
            f"SELECT TraceId, count() AS spans FROM otel.otel_traces WHERE {self.mine}"
            f" AND ServiceName LIKE '{service}' GROUP BY TraceId"
        )
        return {row["TraceId"]: int(row["spans"]) for row in rows}

    def report(self, metric: str, **attributes: str) -> int:
        """The last value of a counter of the Collector's, over all points with these attributes."""
        having = "".join(f" AND Attributes['{key}'] = '{of}'" for key, of in attributes.items())
        value = self.store.value(
            "SELECT sum(value) FROM (SELECT argMax(Value, TimeUnix) AS value"
            f" FROM otel.otel_metrics_sum WHERE {self.mine} AND MetricName = '{metric}'{having}"
            " GROUP BY Attributes)"
        )
        return int(value)

    @property
    def mine(self) -> str:
        """The condition that selects this Collector's telemetry."""
        return f"ResourceAttributes['deployment.environment.name'] = '{self._environment}'"


@contextmanager
def sampling(
    otelcol: Path, folder: Path, store: Observatory, otherwise: str = "{}", /, **variables: object
) -> Iterator[Sampler]:
    """Budgets that no test comes to, unless `variables` say another; `otherwise`, YAML, is for
    what no variable says.
    """
    environment, files = fresh(), [folder / "prompt.yaml", folder / "otherwise.yaml"]
    for file, text in zip(files, (PROMPT, otherwise), strict=True):
        file.write_text(text)
    ample = {f"COLLECTOR_{name}_BUDGET": 10**9 for name in ("SAMPLING", "STRANGERS", "DEBUG")}
    named = {"DEPLOYMENT_ENVIRONMENT": environment, **to(store)}
    given = {**ample, **named, **variables}
    with Collector(otelcol, folder, "clickhouse", LONG_TIMEOUT, *files, **given) as collector:
        yield Sampler(collector, store, environment)
