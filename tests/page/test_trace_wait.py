"""The page holds the link to a trace until the trace is there."""

import re
from typing import Any

from playwright.sync_api import Page, Route, expect

from tests.page.page_view import PageView, rewrite

TRACE = "a" * 32
DELAYED = re.compile(r"/\?q=")


def shows(view: PageView, delay: float) -> Page:
    """An answer, on a page whose clock stands still, of a service with that delay."""

    def delayed(route: Route) -> None:
        response = route.fetch()
        plain = '<meta name="trace-delay" content="0">'
        assert plain in response.text()
        body = response.text().replace(plain, plain.replace("0", str(delay)))
        route.fulfill(response=response, body=body)

    view.page.route(DELAYED, delayed)
    rewrite(view.page, lambda answer: answer.update(trace_id=TRACE))
    view.page.clock.install()
    view.page.clock.pause_at("2030-01-01")
    page = view.open("/?q=bread")
    expect(page.locator("#trace")).to_have_text(TRACE)
    return page


def place(page: Page) -> list[Any]:
    """Where things are that must not move."""
    return [
        page.locator(each).bounding_box()
        for each in ("#trace", "#results", "#results > li:first-child h3")
    ]


def test_the_link_is_held_until_the_trace_is_there(view: PageView) -> None:
    page = shows(view, 3)
    link, wait, status = (page.locator(each) for each in ("#trace", "#trace-wait", "#status"))
    expect(wait).to_have_text("available in 3 s")
    before = place(page)
    held = page.get_by_role("link", name=TRACE, disabled=True)
    expect(held).to_have_accessible_description("available in 3 s")

    held.focus()  # by keyboard too
    held.press("Enter")
    for left in (2, 1):
        page.clock.run_for(1000)
        expect(wait).to_have_text(f"available in {left} s")
        expect(link).not_to_have_attribute("href", re.compile("."))
    page.clock.run_for(1000)

    expect(wait).to_have_text("available")
    expect(page.get_by_role("link", name=TRACE, disabled=False)).to_be_focused()
    expect(link).to_have_attribute("href", re.compile(f"/trace/{TRACE}"))
    expect(status).to_have_text("The trace is available.")
    assert place(page) == before


def test_another_answer_has_its_own_wait(view: PageView) -> None:
    page = shows(view, 5)
    page.clock.run_for(4000)
    expect(page.locator("#trace-wait")).to_have_text("available in 1 s")

    with page.expect_response("**/recommend?*"):
        page.get_by_role("searchbox").fill("sourdough")
        page.get_by_role("searchbox").press("Enter")
    expect(page.locator("#trace-wait")).to_have_text("available in 5 s")
    page.clock.run_for(2000)

    expect(page.locator("#trace-wait")).to_have_text("available in 3 s")
    expect(page.locator("#trace")).not_to_have_attribute("href", re.compile("."))


def test_without_a_delay_nothing_is_shown_of_it(view: PageView) -> None:
    page = shows(view, 0)
    expect(page.get_by_role("link", name=TRACE, disabled=False)).to_be_visible()
    expect(page.locator("#trace-wait")).to_be_hidden()
