"""Tallies go out with what the SDK itself measures."""

from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    MetricExporter,
    MetricExportResult,
    MetricsData,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.resources import Resource

from app import __version__
from app.telemetry import vocabulary as v
from app.telemetry.tallies import Tallies


class Keeping(MetricExporter):
    """Encodes what it is given, as those that send do."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[Any] = []

    def export(self, metrics_data: MetricsData, *_: Any, **__: Any) -> MetricExportResult:
        self.sent.append(encode_metrics(metrics_data))
        return MetricExportResult.SUCCESS

    def force_flush(self, *_: Any, **__: Any) -> bool:
        return True

    def shutdown(self, *_: Any, **__: Any) -> None:
        """Nothing is held."""


@pytest.mark.parametrize(
    "scope", [(v.SCOPE, __version__), ("of others", "1")], ids=["ours", "others"]
)
def test_they_are_sent_with_all_others(scope: tuple[str, str]) -> None:
    def level(_: CallbackOptions) -> Iterator[Observation]:
        yield Observation(7)

    resource, exporter = Resource({"service.name": "vitrine"}), Keeping()
    tallies = Tallies(resource)
    reader = PeriodicExportingMetricReader(tallies.sent_with(exporter), float("inf"))
    provider = MeterProvider([reader], resource, shutdown_on_exit=False)
    provider.get_meter(*scope).create_observable_gauge("level", [level])
    tallies(v.QUERY_OOV).add(1, ())
    assert tallies(v.QUERY_OOV) is tallies(v.QUERY_OOV)
    provider.force_flush()
    provider.shutdown()

    [message] = exporter.sent[:1]
    assert {each.name for told in message.resource_metrics for each in _metrics(told)} == {
        str(v.QUERY_OOV),
        "level",
    }
    assert [len(told.resource.attributes) for told in message.resource_metrics] == [1]


def _metrics(told: Any) -> Iterator[Any]:
    for scoped in told.scope_metrics:
        yield from scoped.metrics
