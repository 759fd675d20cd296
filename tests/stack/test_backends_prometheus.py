"""A real Prometheus that scrapes the Collector: rates, percentiles and exemplars by PromQL."""

import time
from collections.abc import Iterator
from math import isnan
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource

from tests.stack.backends import Backend, prometheus_binary
from tests.stack.collector_process import Collector
from tests.telemetry.exporting_service import ExportingService
from tests.telemetry.receiver import refused_port
from tests.waiting import until

pytestmark = pytest.mark.lasting

SOON = {"connectors": {"spanmetrics": {"metrics_flush_interval": "500ms"}}}
P95 = (
    "histogram_quantile(0.95, sum by (le, http_route)"
    " (rate(http_server_request_duration_seconds_bucket{SELECTOR}[20s])))"
)
REQUESTS = "sum by (http_route) (http_server_request_duration_seconds_count{SELECTOR})"
CALLS = (
    'sum by (http_route) (traces_span_metrics_calls_total{SELECTOR, span_kind="SPAN_KIND_SERVER"})'
)
EXEMPLIFIED = [
    f'{metric}_duration_seconds_bucket{{http_route="/recommend"}}'
    for metric in ("http_server_request", "traces_span_metrics")
]
OURS = 'service_name="vitrine", http_route!=""'


class Scraped(NamedTuple):
    """A Collector, and the Prometheus that scrapes it."""

    collector: Collector
    prometheus: Backend

    def by_route(self, query: str, selector: str = OURS) -> dict[str, float]:
        """The values that a query has now."""
        result = self._query(query.replace("SELECTOR", selector))
        return {each["metric"].get("http_route", ""): float(each["value"][1]) for each in result}

    def labels(self, query: str) -> list[dict[str, str]]:
        """Those of each series of a query."""
        return [each["metric"] for each in self._query(query)]

    def exemplars(self, query: str) -> set[str]:
        """Ids of the traces that exemplars of a query's series point to."""
        now = time.time()
        asked = {"query": query, "start": str(now - 600), "end": str(now + 60)}
        found = self.prometheus.get("/api/v1/query_exemplars", **asked)["data"]
        return {one["labels"]["trace_id"] for each in found for one in each["exemplars"]}

    def _query(self, query: str) -> list[dict[str, Any]]:
        result: list[dict[str, Any]] = self.prometheus.get("/api/v1/query", query=query)["data"][
            "result"
        ]
        return result


@pytest.fixture(scope="module")
def scraped(otelcol: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scraped]:
    binary, folder = prometheus_binary(), tmp_path_factory.mktemp("scraped")
    soon = folder / "soon.yaml"
    soon.write_text(yaml.safe_dump(SOON))
    with (
        refused_port() as listening,
        refused_port() as port,
        Collector(
            otelcol, folder, "prometheus", soon, PROMETHEUS_LISTEN=f"127.0.0.1:{listening}"
        ) as collector,
        prometheus(binary, folder, port, listening) as running,
    ):
        yield Scraped(collector, running)


def prometheus(binary: Path, folder: Path, port: int, scraping: int) -> Backend:
    """One that scrapes as the overlay's comment shows, each second."""
    job = {
        "job_name": "vitrine",
        "honor_labels": True,
        "static_configs": [{"targets": [f"127.0.0.1:{scraping}"]}],
    }
    timing = {"scrape_interval": "1s", "scrape_timeout": "1s"}
    file = folder / "prometheus.yml"
    file.write_text(yaml.safe_dump({"global": timing, "scrape_configs": [job]}))
    command = [
        binary, f"--config.file={file}", f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{port}", "--enable-feature=exemplar-storage",
    ]  # fmt: skip
    return Backend(command, ready="Server is ready", folder=folder, port=port)


@pytest.fixture(scope="module")
def asked(scraped: Scraped, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """A real service gets requests until Prometheus has exemplars: its traces by route."""
    traces: dict[str, list[str]] = {"/recommend": [], "/documents/{document_id}": []}
    sending = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": scraped.collector.grpc,
        "OTEL_METRIC_EXPORT_INTERVAL": "500",
    }
    with ExportingService(tmp_path_factory.mktemp("service"), sending) as service:

        def ask() -> bool:
            found = service.client.post("/recommend", json={"query": "stale bread"})
            traces["/recommend"].append(found.json()["trace_id"])
            missing = service.client.get("/documents/none")
            traces["/documents/{document_id}"].append(missing.json()["trace_id"])
            return all(scraped.exemplars(query) for query in EXEMPLIFIED)

        until(ask)
        until(lambda: set(scraped.by_route(P95)) >= set(traces))
        service.stop()
    return traces


def test_each_request_is_counted_under_its_route(
    scraped: Scraped, asked: dict[str, list[str]]
) -> None:
    sent = {route: len(traces) for route, traces in asked.items()}
    until(lambda: sent.items() <= scraped.by_route(REQUESTS).items())
    until(lambda: sent.items() <= scraped.by_route(CALLS).items())


def test_a_percentile_is_answered_by_route(scraped: Scraped) -> None:
    resource = Resource.create({"service.name": "known", "service.instance.id": "one"})
    exporter = OTLPMetricExporter(scraped.collector.grpc, insecure=True)
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=float("inf"))
    provider = MeterProvider([reader], resource)
    duration = provider.get_meter("known").create_histogram(
        "http.server.request.duration",
        unit="s",
        explicit_bucket_boundaries_advisory=[0.005, 0.01, 0.25, 0.5],
    )
    selector = 'service_name="known"'

    def report() -> bool:
        duration.record(0.007, {"http.route": "/fast"})
        duration.record(0.3, {"http.route": "/slow"})
        provider.force_flush()
        found = scraped.by_route(P95, selector)
        return bool(found) and not any(map(isnan, found.values()))

    until(report)
    # All that there is lies in one bucket, so the percentile lies at 95 % of its width.
    expected = {"/fast": 0.005 + 0.95 * 0.005, "/slow": 0.25 + 0.95 * 0.25}
    assert scraped.by_route(P95, selector) == pytest.approx(expected)
    provider.shutdown()


def test_exemplars_are_traces_that_were_answered(
    scraped: Scraped, asked: dict[str, list[str]]
) -> None:
    answered = {trace for traces in asked.values() for trace in traces}
    for query in EXEMPLIFIED:
        found = scraped.exemplars(query)
        assert found
        assert found <= answered


def test_a_series_says_whose_it_is(scraped: Scraped, asked: dict[str, list[str]]) -> None:
    known = 'http_server_request_duration_seconds_count{http_route="/recommend"}'
    [labels] = scraped.labels(known)
    assert labels["job"] == "vitrine/vitrine"
    assert labels["service_name"] == "vitrine"
    assert labels["deployment_environment_name"] == "development"
    assert "process_pid" not in labels
    joined = f"{known} * on (job, instance) group_left (service_version) target_info"
    [labels] = scraped.labels(joined)
    assert labels["service_version"]
