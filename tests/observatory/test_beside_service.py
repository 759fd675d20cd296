"""The service beside the observatory, from end to end."""

import signal
import sys
from pathlib import Path

import httpx
import pytest

from tests.fake_wikipedia import PATH, FakeWikipedia
from tests.observatory.beside_process import BesideProcess
from tests.observatory.observatory_process import Observatory
from tests.telemetry.receiver import refused_port
from tests.waiting import TIMEOUT, until

pytestmark = pytest.mark.lasting

SERVICE = (sys.executable, "-m", "app", "serve")
QUESTION = "how to keep bread from going stale"


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz").status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def stored(seed_data: Path, folder: Path) -> str:
    """Have the service answer once, and stop; the id of the answer's trace."""
    with refused_port() as port, FakeWikipedia() as wikipedia:
        variables = {
            "VITRINE_DATA": str(seed_data),
            "VITRINE_SERVER__PORT": str(port),
            "VITRINE_WIKIPEDIA__BASE_URL": wikipedia.url,
            "VITRINE_WIKIPEDIA__DEADLINE_SECONDS": str(TIMEOUT),
            "VITRINE_WIKIPEDIA__TIMEOUT_SECONDS": str(TIMEOUT),
            "VITRINE_TELEMETRY__SHUTDOWN_SECONDS": str(TIMEOUT),
            "VITRINE_LIMITS__QUEUE_SECONDS": "60",
            "OTEL_EXPORTER_OTLP_TIMEOUT": str(TIMEOUT),
            "VITRINE_TELEMETRY__LOGS": "off",  # its output is not read
        }
        with BesideProcess(folder, *SERVICE, **variables) as beside:
            url = f"http://127.0.0.1:{port}"
            until(lambda: answers(url))
            answer = httpx.get(f"{url}/recommend", params={"q": QUESTION}, timeout=TIMEOUT).json()
            assert wikipedia.calls == 1
            page = httpx.get(url).text
            trace_url = f"http://127.0.0.1:{beside.ports['page_port']}/trace/{{trace_id}}"
            assert f'content="{trace_url}"' in page
            beside.process.send_signal(signal.SIGTERM)
            assert beside.ended() == 0
        return str(answer["trace_id"])


def test_a_request_is_in_the_store_with_its_spans_and_logs(seed_data: Path, tmp_path: Path) -> None:
    trace = stored(seed_data, tmp_path / "observatory")

    with Observatory(tmp_path / "observatory") as observatory:
        where = f"WHERE TraceId = '{trace}'"
        spans = observatory.rows(f"SELECT * FROM otel.otel_traces {where}")
        logs = observatory.rows(f"SELECT * FROM otel.otel_logs {where}")
        metrics = observatory.value("SELECT uniq(MetricName) FROM otel.otel_metrics_histogram")
    ids = {span["SpanId"] for span in spans}
    [root] = [span for span in spans if span["ParentSpanId"] not in ids]
    assert (root["SpanName"], root["SpanKind"]) == ("GET /recommend", "Server")
    named = {span["SpanName"]: span for span in spans}
    assert named[f"GET {PATH}"]["ParentSpanId"] == named["fetch topic signal"]["SpanId"]
    assert named[f"GET {PATH}"]["SpanAttributes"]["http.response.status_code"] == "200"
    assert {span["ServiceName"] for span in spans} == {"vitrine"}
    [served] = [log for log in logs if log["Body"] == "recommendation.served"]
    assert served["SpanId"] == root["SpanId"]
    assert metrics > 0
