"""One request to the real service, and all its telemetry, through the Collector into ClickHouse."""

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import clickhouse_connect
import httpx
import pytest

from tests.cases import cases
from tests.fake_wikipedia import PATH, FakeWikipedia
from tests.fakes import PIPELINE
from tests.observatory.observatory_process import Observatory
from tests.processes import ROOT
from tests.stack.collector_process import Collector
from tests.stack.sampling_collector import Sampler, sampling
from tests.telemetry.receiver import refused_port
from tests.waiting import TIMEOUT, until

pytestmark = pytest.mark.lasting
COMMAND = (sys.executable, "-m", "app", "serve")
QUESTION = {"query": "how to keep bread from going stale"}
OURS = ("VITRINE_", "OTEL_")
ROOT_SPAN, FETCH = "POST /recommend", "fetch topic signal"
STAGES = {*PIPELINE, FETCH}
OF_SPANS = "traces.span.metrics"


@contextmanager
def serving(data: Path, wikipedia: str, collector: Collector) -> Iterator[str]:
    """The service; at the end of the block it has exported all its telemetry."""
    with refused_port() as port:
        plain = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        variables = {
            "VITRINE_DATA": str(data),
            "VITRINE_SERVER__PORT": str(port),
            "VITRINE_WIKIPEDIA__BASE_URL": wikipedia,
            "VITRINE_WIKIPEDIA__DEADLINE_SECONDS": str(TIMEOUT),
            "VITRINE_WIKIPEDIA__TIMEOUT_SECONDS": str(TIMEOUT),
            "VITRINE_TELEMETRY__SHUTDOWN_SECONDS": str(TIMEOUT),
            "VITRINE_LIMITS__QUEUE_SECONDS": "60",
            "OTEL_EXPORTER_OTLP_TIMEOUT": str(TIMEOUT),
            "VITRINE_TELEMETRY__LOGS": "off",  # standard output is not read
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.grpc,
            "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name="
            + collector.environment()["DEPLOYMENT_ENVIRONMENT"],
        }
        with subprocess.Popen(
            COMMAND, cwd=ROOT, env=plain | variables, stderr=subprocess.DEVNULL
        ) as process:
            try:
                url = f"http://127.0.0.1:{port}"
                until(lambda: process.poll() is None and ready(url))
                yield url
                process.send_signal(signal.SIGTERM)
                assert process.wait(TIMEOUT) == -signal.SIGTERM  # uvicorn re-raises the signal
            finally:
                process.kill()


def ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz").status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


class Stored:
    """The telemetry of one request, as clickhouse-connect reads it."""

    def __init__(self, sampler: Sampler, client: Any, trace: str) -> None:
        self.sampler, self.trace, self._client = sampler, trace, client

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """`{trace}` is the request's, `{mine}` selects what came through this Collector."""
        report = sql.format(trace=f"'{self.trace}'", mine=self.sampler.mine)
        return list(self._client.query(report).named_results())

    def spans(self) -> dict[str, dict[str, Any]]:
        """By their ids."""
        rows = self.rows("SELECT * FROM otel_traces WHERE TraceId = {trace}")
        return {row["SpanId"]: row for row in rows}


@pytest.fixture(scope="module")
def stored(
    otelcol: Path, store: Observatory, seed_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stored]:
    """Of one recommendation; the service has ended, the Collector goes on."""
    folder, port = tmp_path_factory.mktemp("whole_way"), urlsplit(store.clickhouse).port or 0
    (folder / "data").mkdir()
    (folder / "data" / "catalogue.db").write_bytes(seed_file.read_bytes())
    with (
        sampling(otelcol, folder, store, COLLECTOR_SAMPLING_PERCENTAGE=100) as sampler,
        clickhouse_connect.get_client(host="127.0.0.1", port=port, database="otel") as client,
        FakeWikipedia() as wikipedia,
    ):
        with serving(folder / "data", wikipedia.url, sampler.collector) as url:
            answer = httpx.post(f"{url}/recommend", json=QUESTION, timeout=TIMEOUT)
            assert answer.status_code == httpx.codes.OK
            assert wikipedia.calls == 1
        found = Stored(sampler, client, answer.json()["trace_id"])
        until(lambda: ROOT_SPAN in {span["SpanName"] for span in found.spans().values()})
        yield found


def test_the_whole_tree_is_there(stored: Stored) -> None:
    spans = stored.spans()
    tree = Counter(
        (span["SpanName"], span["SpanKind"], spans.get(span["ParentSpanId"], {}).get("SpanName"))
        for span in spans.values()
    )
    assert tree == Counter(
        [
            (ROOT_SPAN, "Server", None),
            *((name, "Internal", ROOT_SPAN) for name in STAGES),
            ("SELECT", "Client", "retrieve candidates"),
            ("SELECT", "Client", "rank candidates"),
            (f"GET {PATH}", "Client", FETCH),
        ]
    )
    assert {(span["ServiceName"], span["StatusCode"]) for span in spans.values()} == {
        ("vitrine", "Unset")
    }


def test_records_have_the_ids_of_the_trace(stored: Stored) -> None:
    read = "SELECT * FROM otel_logs WHERE TraceId = {trace}"
    until(lambda: "recommendation.served" in {row["Body"] for row in stored.rows(read)})
    spans, records = stored.spans(), stored.rows(read)
    assert {record["SpanId"] for record in records} <= spans.keys()
    [served] = [record for record in records if record["Body"] == "recommendation.served"]
    assert spans[served["SpanId"]]["SpanName"] == ROOT_SPAN
    assert (served["SeverityText"], served["EventName"]) == ("INFO", "recommendation.served")
    assert served["LogAttributes"]["http.response.status_code"] == "200"
    assert served["LogAttributes"]["vitrine.ranking.degraded"] == "false"


@cases(
    "metric",
    ["http.server.request.duration", "vitrine.recommend.duration", f"{OF_SPANS}.duration"],
)
def test_exemplars_of_metrics_point_to_the_trace(stored: Stored, metric: str) -> None:
    read = (
        "SELECT span FROM otel_metrics_histogram"
        " ARRAY JOIN Exemplars.TraceId AS trace, Exemplars.SpanId AS span"
        f" WHERE {{mine}} AND MetricName = '{metric}' AND trace = {{trace}}"
    )
    until(lambda: bool(stored.rows(read)))
    assert {row["span"] for row in stored.rows(read)} <= stored.spans().keys()


def test_metrics_of_spans_count_each_of_them(stored: Stored) -> None:
    """The first point of a series of calls is 0, the next has all that came in till then."""

    def calls() -> Counter[tuple[str, str]]:
        rows = stored.rows(
            "SELECT Attributes['span.name'] AS name, Attributes['http.route'] AS route,"
            " max(Value) AS calls FROM otel_metrics_sum"
            f" WHERE {{mine}} AND MetricName = '{OF_SPANS}.calls' GROUP BY Attributes"
        )
        return Counter({(row["name"], row["route"]): int(row["calls"]) for row in rows})

    until(lambda: calls()[ROOT_SPAN, "/recommend"] == 1)
    names = Counter(span["SpanName"] for span in stored.spans().values())
    counted = Counter({name: count for (name, _), count in calls().items()})
    for name in STAGES | {f"GET {PATH}"}:
        assert counted[name] == names[name] == 1


def test_the_collector_reports_its_own_metrics(stored: Stored) -> None:
    read = (
        "SELECT MetricName AS name, max(Value) AS value FROM otel_metrics_sum"
        " WHERE {mine} AND ServiceName = 'vitrine-collector' GROUP BY name"
    )

    def report() -> dict[str, float]:
        return {row["name"]: row["value"] for row in stored.rows(read)}

    until(lambda: report().get("otelcol_exporter_sent_spans", 0) >= len(stored.spans()))
    assert report()["otelcol_receiver_accepted_spans"] >= len(stored.spans())
