"""The Diagnose view: a cause with its evidence, nothing to compare, a window that is chosen."""

import re
from time import time_ns
from typing import Any

from playwright.sync_api import Page, Route, expect

from tests.observatory.messages import request
from tests.observatory.observatory_process import Observatory
from tests.observatory.otlp_client import http
from tests.observatory.page.page_view import PageView, settled
from tests.observatory.stored_telemetry import MS, SECOND, record

SERVICE = "cellar"
TRACE = f"{0xD1A6:032x}"
COUNT = 120


def store(observatory: Observatory) -> str:
    """A request each second for two minutes; in the second one the search finds nothing. Returns
    the query of that minute."""
    now, records = time_ns(), []
    for number in range(COUNT):
        is_bad = number >= COUNT // 2
        has: dict[str, Any] = {
            "vitrine__topic_signal__outcome": "miss" if is_bad else "hit",
            "vitrine__ranking__degraded": str(is_bad).lower(),
            "vitrine__ranking__missing": '["topic_signal"]' if is_bad else "[]",
        }
        records.append(record("served", now - (COUNT - number) * SECOND, int(TRACE, 16), **has))
        records[-1].event_name = "recommendation.served"
    http(observatory, "logs", request("logs", records, {"service.name": SERVICE}))
    return f"from={now // MS - 60_000}&to={now // MS}"


def found(page: Page, path: str) -> str:
    page.goto(page.url.split("/diagnose")[0] + path)
    settled(page)
    return page.get_by_role("heading", level=1).inner_text()


def test_diagnosis(view: PageView) -> None:
    minute = store(view.observatory)
    page = view.open(f"/diagnose?service={SERVICE}&{minute}&baseline=55")
    settled(page)
    expect(page.get_by_role("heading", level=1)).to_contain_text("finds nothing")
    first = page.locator(".suspects > li").first
    expect(first).to_have_attribute("data-cause", "dependency_empty")
    expect(first).to_contain_text("100 %")
    expect(first.locator(".path").filter(has_text="degraded")).to_be_visible()
    expect(first.get_by_role("link", name=TRACE[:8])).to_have_attribute("href", f"/trace/{TRACE}")
    expect(first.get_by_role("link", name="log records")).to_have_attribute(
        "href", re.compile(r"/logs\?from=\d+&to=\d+&service=cellar&attr=vitrine.topic_signal")
    )

    page.get_by_label("Compared with").select_option("900")
    expect(page).to_have_url(re.compile("baseline=900"))
    assert "Nothing to compare" in found(page, "/diagnose?service=nobody&last=60&baseline=60")
    found(page, "/diagnose")
    expect(page.get_by_label("Time range")).to_have_value("300")


def test_a_window_by_keyboard(view: PageView) -> None:
    page = view.open("/diagnose?last=900&baseline=900")
    settled(page)
    page.get_by_role("application", name="Latency heat map").focus()
    for key in ("ArrowRight", "Shift+ArrowRight", "Enter"):
        page.keyboard.press(key)
    expect(page).to_have_url(re.compile(r"/diagnose\?from=\d+&to=\d+&baseline=\d+"))
    settled(page)


def test_an_opened_run_ends_in_the_past(view: PageView) -> None:
    """Windows end when the run does, not now."""
    opened = {"name": "old", "start": "0", "end": str(10**18)}

    def status(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json={**answer.json(), "opened": opened})

    view.page.route("**/api/status", status)
    with view.page.expect_request("**/api/diagnose?*") as asked:
        view.open("/diagnose?last=60")
    assert f"from={10**12 - 60_000}&to={10**12}" in asked.value.url
    settled(view.page)
    view.open("/compare?status=error&last=900")
    settled(view.page)
    view.page.get_by_label("Compared with").select_option("before")
    expect(view.page).to_have_url(re.compile(f"base_to={10**12 - 900_000}"))
