"""The real SigNoz takes everything, and finds nothing to change the second time."""

import time
from pathlib import Path

import pytest

from signoz.server import Refused, Server
from tests.signoz.fake_signoz import EMAIL, PASSWORD
from tests.signoz.panels import Body, bodies, panels
from tests.signoz.provisioning import Provisioner
from tests.signoz.real_signoz import RealSigNoz
from tests.waiting import TIMEOUT

PREVIEW = "/api/v5/query_range/preview"
KINDS = {"Number": "scalar", "Table": "scalar", "List": "raw"}
VARIABLES = {
    "service": {"type": "dynamic", "value": ["vitrine"]},
    "environment": {"type": "dynamic", "value": "__all__"},
}


@pytest.fixture
def provisioner(
    real: RealSigNoz,
    files: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Provisioner:
    provisioner = Provisioner(real.url, monkeypatch, capsys, files)
    days = {f"RETENTION_{signal}_DAYS": "0" for signal in ("TRACES", "LOGS", "METRICS")}
    provisioner.set(**days)  # there is no ClickHouse
    return provisioner


def test_it_is_set_up_once_and_then_stays_as_it_is(provisioner: Provisioner, files: Path) -> None:
    assert provisioner() == 0, provisioner.reasons
    made = provisioner.outcomes["created"]
    assert set(provisioner.outcomes) == {"created"}
    for arguments in ([], ["--check"]):
        assert provisioner(*arguments) == 0
        assert provisioner.outcomes == {"unchanged": made}
    path = files / "dashboards" / "vitrine-service.json"
    text = path.read_text()
    path.write_text(text.replace('"duration": "1h"', '"duration": "3h"'))
    assert provisioner("--check") == 1
    assert provisioner() == 0
    assert provisioner.outcomes["updated"] == [("dashboard", "vitrine-service")]
    assert provisioner.reasons["vitrine-service"] == "spec.duration"
    path.write_text(text)
    assert provisioner() == 0
    assert provisioner("--check") == 0


def test_another_password_is_refused(provisioner: Provisioner) -> None:
    provisioner.set(PASSWORD=f"{PASSWORD}-not")
    assert provisioner() == 4
    assert "refuses the login" in provisioner.error


def test_queries_are_written_as_it_reads_them(real: RealSigNoz) -> None:
    """Their filters and formulas; names and SQL would need ClickHouse."""
    asked = [(str(each), KINDS.get(each.kind, "time_series"), each.queries) for each in panels()]
    asked += [(name, "raw", body["spec"]["queries"]) for name, body in bodies("views").items()]
    asked += [
        (name, "time_series", body["condition"]["compositeQuery"]["queries"])
        for name, body in bodies("rules").items()
    ]
    server = Server(real.url, EMAIL, PASSWORD)
    server.await_ready(TIMEOUT)
    for name, kind, queries in asked:
        assert server.ask("POST", PREVIEW, preview(kind, queries))["compositeQuery"], name
    nonsense = {"name": "A", "signal": "logs", "filter": {"expression": "body = = ("}}
    with pytest.raises(Refused, match="filter"):
        server.ask("POST", PREVIEW, preview("raw", [{"type": "builder_query", "spec": nonsense}]))


def preview(kind: str, queries: list[Body]) -> Body:
    now = round(time.time() * 1000)
    return {
        "schemaVersion": "v1", "start": now - 3_600_000, "end": now, "requestType": kind,
        "compositeQuery": {"queries": queries}, "variables": VARIABLES, "formatOptions": {},
    }  # fmt: skip
