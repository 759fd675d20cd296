"""The list while new traces come in."""

from time import time_ns
from uuid import uuid4

from playwright.sync_api import Browser, expect

from tests.observatory.messages import attributes, request, span
from tests.observatory.observing import Observatory
from tests.observatory.page.looking import Shown, traces
from tests.observatory.page.telling import MS, SERVER, Part, send, served
from tests.observatory.sending import http


def tell(told: Observatory, service: str, route: str) -> str:
    """A trace that has just ended."""
    trace = uuid4().hex
    part = Part(1, 0, f"GET {route}", 0, 5, service, served(route, 200))
    send(told, trace, time_ns() - 10 * MS, [part])
    return trace


def test_new_traces_come_in_by_themselves(shown: Shown, told: Observatory) -> None:
    page = shown.open("/?service=lively")
    expect(page.get_by_text("No traces found.")).to_be_visible()

    tell(told, "lively", "/one")

    expect(traces(page)).to_have_count(1)
    expect(page.get_by_text("No traces found.")).to_be_hidden()


def test_nothing_moves_under_a_reader(shown: Shown, told: Observatory) -> None:
    tell(told, "steady", "/one")
    page = shown.open("/?service=steady")
    expect(traces(page)).to_have_count(1)
    page.keyboard.press("j")

    tell(told, "steady", "/two")

    more = page.get_by_role("button", name="1 new trace ↑")
    expect(more).to_be_visible()
    expect(traces(page)).to_have_count(1)
    more.click()
    expect(traces(page).locator(".what a bdi")).to_have_text(["/two", "/one"])
    expect(more).to_be_hidden()


def test_it_can_be_paused(browser: Browser, told: Observatory) -> None:
    tell(told, "calm", "/one")
    with browser.new_context() as context:
        context.clock.install()
        page = context.new_page()
        page.goto(f"{told.page}/?service=calm")
        expect(traces(page)).to_have_count(1)

        page.get_by_role("button", name="Live").click()
        tell(told, "calm", "/two")
        with page.expect_response("**/api/status"):  # the foot goes on
            context.clock.fast_forward(10_000)

        expect(page.get_by_role("button", name="Paused")).to_have_attribute("aria-pressed", "false")
        expect(traces(page)).to_have_count(1)
        page.keyboard.press("p")
        expect(traces(page)).to_have_count(2)


def test_older_ones_are_shown_when_asked_for(shown: Shown, told: Observatory) -> None:
    now = time_ns()
    crowd = [
        span(
            "GET",
            kind=SERVER,
            start_time_unix_nano=now - (1000 - number) * MS,
            end_time_unix_nano=now,
            attributes=attributes({"http.route": f"/{number}"}),
        )
        for number in range(60)
    ]
    http(told, "traces", request("traces", crowd, {"service.name": "crowd"}))
    page = shown.open("/?service=crowd")
    expect(traces(page)).to_have_count(50)

    page.get_by_role("button", name="Older").click()

    expect(traces(page)).to_have_count(60)
    routes = [f"/{number}" for number in reversed(range(60))]
    expect(traces(page).locator(".what a bdi")).to_have_text(routes)
    expect(page.get_by_role("button", name="Older")).to_be_hidden()


def test_a_trace_that_is_on_its_way_is_waited_for(shown: Shown, told: Observatory) -> None:
    shown.expected = ("404",)
    trace = uuid4().hex
    page = shown.open(f"/trace/{trace}")
    expect(page.get_by_text("arrive about 2 s after the request")).to_be_visible()

    part = Part(1, 0, "GET /late", 0, 5, "late", served("/late", 200))
    send(told, trace, time_ns() - 10 * MS, [part])

    expect(page.get_by_role("heading", level=1)).to_have_text("GET /late")
    expect(page.get_by_text("arrive about 2 s after the request")).to_be_hidden()


def test_a_trace_that_never_comes_is_given_up(browser: Browser, told: Observatory) -> None:
    with browser.new_context() as context:
        context.clock.install()
        page = context.new_page()
        page.goto(f"{told.page}/trace/{uuid4().hex}")
        expect(page.get_by_text("arrive about 2 s after the request")).to_be_visible()

        context.clock.fast_forward(11_000)

        expect(page.get_by_role("button", name="Retry")).to_be_visible()
