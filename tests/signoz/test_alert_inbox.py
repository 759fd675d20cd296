"""Alerts that SigNoz sends are logged, shown and bounded; anything else is refused."""

import json
import threading
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any

import pytest

from signoz import alert_inbox
from tests.waiting import TIMEOUT

Answer = tuple[int, str]


@pytest.fixture
def address() -> Iterator[tuple[str, int]]:
    with alert_inbox.server("127.0.0.1", 0) as serving:
        thread = threading.Thread(target=serving.serve_forever, args=(0.02,))
        thread.start()
        yield "127.0.0.1", serving.server_port
        serving.shutdown()
        thread.join()


def ask(
    address: tuple[str, int], method: str, body: bytes | None = None, kind: str = "application/json"
) -> Answer:
    connection = HTTPConnection(*address, timeout=TIMEOUT)
    try:
        connection.request(method, "/", body, {"Content-Type": kind} if body is not None else {})
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def notification(name: str, status: str = "firing", **annotations: str) -> bytes:
    alert: dict[str, Any] = {
        "status": status,
        "labels": {"alertname": name, "severity": "critical"},
        "annotations": annotations,
        "generatorURL": "http://localhost:8080/alerts/overview?ruleId=1",
        "fingerprint": name,
    }
    return json.dumps({"version": "4", "status": status, "alerts": [alert]}).encode()


def test_an_alert_is_logged_and_shown(
    address: tuple[str, int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert "None received" in ask(address, "GET")[1]
    body = notification(
        "Circuit <open>", summary="7 & more", runbook_url="http://x/runbook#circuit-open",
        dashboard="javascript:alert(1)",
    )  # fmt: skip
    assert ask(address, "POST", body) == (200, "")
    assert capsys.readouterr().out.strip().endswith("firing critical Circuit <open>: 7 & more")
    page = ask(address, "GET")[1]
    assert "1 firing now" in page
    assert "Circuit &lt;open&gt;" in page
    assert "7 &amp; more" in page
    assert 'href="http://x/runbook#circuit-open"' in page
    assert "javascript:" not in page


def test_an_alert_that_recovered_no_longer_fires(address: tuple[str, int]) -> None:
    ask(address, "POST", notification("A"))
    ask(address, "POST", notification("A", "resolved"))
    page = ask(address, "GET")[1]
    assert "0 firing now" in page
    assert page.index(">resolved<") < page.index(">firing<")


def test_only_the_latest_are_kept(address: tuple[str, int]) -> None:
    for number in range(alert_inbox.KEPT + 5):
        ask(address, "POST", notification(f"number {number}."))
    page = ask(address, "GET")[1]
    assert page.count("<tr><td>") == alert_inbox.KEPT
    assert "number 4." not in page


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b'{"alerts": [{"status": "firing"}]}', "application/json", 400),
        (notification("A"), "text/plain", 415),
    ],
)
def test_anything_else_is_refused(
    address: tuple[str, int], body: bytes, kind: str, status: int
) -> None:
    assert ask(address, "POST", body, kind)[0] == status
    assert "None received" in ask(address, "GET")[1]


def test_a_large_body_is_refused_before_it_is_read(address: tuple[str, int]) -> None:
    connection = HTTPConnection(*address, timeout=TIMEOUT)
    connection.putrequest("POST", "/")
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Content-Length", str(alert_inbox.LARGEST + 1))
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()
