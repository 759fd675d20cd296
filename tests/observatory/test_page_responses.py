"""Headers, unknown addresses, status, reports and failures."""

import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from observatory.composition import Parts
from observatory.query.reader import Reader
from observatory.store.engine import EngineError
from observatory.ui.application import page as application
from observatory.ui.sql_view import reports
from tests.cases import cases
from tests.observatory.page_client import ROWS, Page, read_problem
from tests.observatory.stored_telemetry import (
    HOUR,
    MINUTE,
    NOW,
    Part,
    StoredTelemetry,
    record,
    root,
)

API = ["traces", "charts", "facets", "facets/values?key=a", "logs", "reports", "status"]
API += ["metrics", "health", "heatmap", "groups?by=a", "time-spent", "compare", "model"]
PROBLEMS = ["traces?x=1", f"traces/{'0' * 32}", "traces/x", "nowhere"]


@cases("path", API + PROBLEMS)
def test_headers(page: Page, path: str) -> None:
    answer = page.client.get(f"/api/{path}")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "access-control-allow-origin" not in answer.headers


@cases("path", ["/api", "/api/", "/api/nowhere", "/nowhere", "/api/traces/a/b/c"])
def test_nothing_there(page: Page, path: str) -> None:
    problem = read_problem(page.client.get(path))
    assert (problem["status"], problem["title"]) == (404, "Not Found")


def test_nothing_there_in_a_browser(page: Page) -> None:
    accept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    answer = page.client.get("/nowhere", headers={"accept": accept})
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    links = re.findall(r'<a href="([^"]+)"', answer.text)
    assert len(links) > 4
    for link in links:
        assert page.client.get(link).status_code == 200


def test_old_links_to_the_list_of_traces(page: Page) -> None:
    answer = page.client.get("/?last=all&attr=a%3Db", follow_redirects=False)
    assert answer.status_code == 307
    assert answer.headers["location"] == "/traces?last=all&attr=a%3Db"


@cases(
    ("method", "path", "allowed"),
    [("POST", "traces", "GET"), ("DELETE", "status", "GET"), ("GET", "sql", "POST")],
)
def test_other_methods(page: Page, method: str, path: str, allowed: str) -> None:
    answer = page.client.request(method, f"/api/{path}")
    problem = read_problem(answer)
    assert problem["status"] == 405
    assert allowed in problem["detail"]
    assert allowed in answer.headers["allow"]


PAGES = ["/", "/traces", f"/trace/{'0' * 32}", "/logs", "/charts", "/metrics", "/compare", "/sql"]
PAGES += ["/diagnose", "/model"]


@cases("path", PAGES)
def test_the_shell(page: Page, path: str) -> None:
    answer = page.client.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_asked_for_by_another_name(page_parts: Parts) -> None:
    """A page elsewhere could have its own name lead here."""
    client = TestClient(application(page_parts), base_url="http://evil.example")
    for path in ("/", "/api/status"):
        assert client.get(path).status_code == 421


def test_status(page: Page, stored: StoredTelemetry, page_parts: Parts) -> None:
    nothing = page.get("status")
    assert nothing["stored"]["spans"] == nothing["stored"]["logs"] == 0
    assert (nothing["oldest"], nothing["newest"]) == (None, None)

    stored.trace(1, NOW - HOUR, root(), Part(2, 1))
    stored.trace(2, NOW - MINUTE, root())
    stored.logs([record("said", NOW)])
    status = page.get("status")

    assert (status["stored"]["spans"], status["stored"]["logs"]) == (3, 1)
    assert status["stored"]["points"] >= 0
    assert (status["oldest"], status["newest"]) == (str(NOW - HOUR), str(NOW - MINUTE))
    assert status["disk_bytes"] > 0
    assert status["disk_limit"] == page_parts.settings.disk_bytes
    assert status["retention_hours"] == page_parts.settings.retention_hours
    assert status["version"].count(".") >= 2
    assert page_parts.settings.query_rows == ROWS


def test_reports(page: Page) -> None:
    found = page.get("reports")
    assert found
    for each in found:
        assert set(each) == {"name", "title", "about", "sql"}
        assert each["title"]
        assert not each["sql"].startswith("--")


def test_what_a_report_says_of_itself(tmp_path: Path) -> None:
    (tmp_path / "b.sql").write_text("-- Title\n--\n-- One line,\n-- another.\n\nSELECT 1 -- one\n")
    (tmp_path / "a.sql").write_text("SELECT 2\n-- last\n")
    (tmp_path / "c.txt").write_text("no report")
    assert reports(tmp_path) == [
        {"name": "a", "title": "a", "about": "", "sql": "SELECT 2\n-- last"},
        {"name": "b", "title": "Title", "about": "One line, another.", "sql": "SELECT 1 -- one"},
    ]
    assert reports(tmp_path / "nowhere") == []


PATHS = ["traces", f"traces/{'0' * 32}", "charts", "facets", "logs", "status", "heatmap", "compare"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("words", "status"),
    [
        ("Code: 1. DB::Exception: Disk is gone. (BAD)", 500),
        ("Code: 159. DB::Exception: Timeout exceeded. (TIMEOUT_EXCEEDED)", 413),
        ("Code: 241. DB::Exception: Too much. (MEMORY_LIMIT_EXCEEDED)", 413),
    ],
)
def test_a_store_that_fails(
    page: Page, monkeypatch: pytest.MonkeyPatch, path: str, words: str, status: int
) -> None:
    def fails(*_: object) -> bytes:
        raise EngineError(words)

    monkeypatch.setattr(Reader, "query", fails)
    problem = page.problem(path)
    assert problem["status"] == status
    assert "Exception" not in problem["detail"]


def test_an_unexpected_error(page_parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: object) -> bytes:
        raise ZeroDivisionError("a secret")

    monkeypatch.setattr(Reader, "query", breaks)
    client = TestClient(application(page_parts), "http://127.0.0.1", raise_server_exceptions=False)
    problem = read_problem(client.get("/api/traces"))
    assert problem["status"] == 500
    assert "secret" not in str(problem)
