"""The pages to read, in a real browser: the runbook, and the API's reference."""

import json
import re
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from playwright.sync_api import Browser, Route, expect

from app.api import pages, problems
from app.api.runbook import rendered
from app.settings import TelemetrySettings
from tests.chromium import window
from tests.page.page_view import PageView, Server, ask, cards
from tests.processes import ROOT

RULES = "".join(each.read_text("utf-8") for each in (ROOT / "signoz").rglob("*.json"))
LINKED = sorted(set(re.findall(r"\$\{SIGNOZ_RUNBOOK_URL\}#([\w-]+)", RULES)))


def test_whatever_alerts_and_panels_link_to_is_in_the_runbook(view: PageView) -> None:
    page = view.open("/runbook")
    assert len(LINKED) > 10
    for section in LINKED:
        expect(page.locator(f"h2#{section}")).to_be_visible()
        expect(page.locator(f'nav a[href="#{section}"]')).to_have_count(1)


def test_a_link_leads_to_its_section(view: PageView) -> None:
    page = view.open("/runbook#collector-queue")
    heading = page.get_by_role("heading", name="Collector queue")
    expect(heading).to_be_in_viewport()
    expect(heading).to_be_focused()

    page.get_by_role("navigation").get_by_role("link", name="Latency", exact=True).click()

    expect(page.get_by_role("heading", name="Latency", exact=True)).to_be_in_viewport()
    assert page.url.endswith("/runbook#latency")


@pytest.mark.parametrize("path", ["/runbook", "/docs"])
def test_it_fits_a_narrow_screen_and_the_strict_policy(view: PageView, path: str) -> None:
    view.page.set_viewport_size({"width": 390, "height": 740})
    response = view.page.goto(view.url + path)
    assert response is not None
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert "unsafe" not in response.headers["content-security-policy"]
    expect(view.page.get_by_role("heading", name=re.compile("alert fires|Vitrine"))).to_be_visible()
    assert view.page.evaluate("document.documentElement.scrollWidth") <= 390


def test_markup_in_the_runbook_is_text() -> None:
    body, contents = rendered("## A <b>&amp;\n\n<script>alert(1)</script>\n\n[x](javascript:y)\n")
    assert "<script" not in body
    assert "<b>" not in body + contents
    assert 'href="javascript' not in body


def test_without_its_file_the_runbook_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = tmp_path / "runbook.md"
    monkeypatch.setattr("app.api.pages.RUNBOOK", missing)
    app = FastAPI()
    problems.install(app)
    pages.install(app, TelemetrySettings())
    answer = TestClient(app).get("/runbook")
    assert answer.status_code == 404
    assert answer.json()["detail"] == f"The runbook is not installed: {missing} is missing."


def test_the_api_can_be_tried_out(view: PageView) -> None:
    """Swagger UI, with nothing from another host and nothing the policy refuses."""
    page = view.open("/docs")
    operation = page.locator(".opblock-get").filter(has_text="/categories")
    operation.locator(".opblock-summary-control").click()
    operation.get_by_role("button", name="Try it out").click()
    with page.expect_response("**/categories") as response:
        operation.get_by_role("button", name="Execute").click()
    assert response.value.status == 200
    expect(operation.locator(".live-responses-table")).to_contain_text("cooking")


def test_the_pages_work_under_the_prefix_of_a_proxy(browser: Browser, server: Server) -> None:
    """The browser plays the proxy: it takes the prefix off, and has nothing else to serve."""
    asked: list[str] = []

    def proxied(route: Route) -> None:
        path = route.request.url.removeprefix(server.url)
        asked.append(path)
        if path.startswith("/v/"):
            route.fulfill(response=route.fetch(url=server.url + path.removeprefix("/v")))
        else:
            route.fulfill(status=404)

    with window(browser) as context:
        page = context.new_page()
        page.route("**/*", proxied)
        page.goto(f"{server.url}/v/")
        ask(page, "bread")
        card = cards(page).first
        with page.expect_response("**/v/feedback") as response:
            card.get_by_role("button", name="Thumbs up").click()
        assert response.value.status < 300
        card.get_by_role("button", name="Similar to").click()
        expect(page.get_by_role("heading", level=2)).to_contain_text("Similar to")
        for name in ("Runbook", "API"):
            page.get_by_role("link", name=name).click()
            expect(page.get_by_role("heading").first).to_be_visible()
    assert [path for path in asked if not path.startswith("/v/")] == []
    assert json.dumps(asked).count("/v/static/swagger-ui/") == 2
