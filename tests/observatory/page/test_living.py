"""The list while new traces come in."""

from time import time_ns
from uuid import uuid4

from playwright.sync_api import Browser, expect

from tests.chromium import window
from tests.observatory.messages import attributes, request, span
from tests.observatory.observatory_process import Observatory
from tests.observatory.otlp_client import http
from tests.observatory.page.page_view import PageView, traces
from tests.observatory.page.shop_telemetry import MS, SERVER, Part, send, served


def send_trace(observatory: Observatory, service: str, route: str) -> str:
    """A trace that has just ended."""
    trace = uuid4().hex
    part = Part(1, 0, f"GET {route}", 0, 5, service, served(route, 200))
    send(observatory, trace, time_ns() - 10 * MS, [part])
    return trace


def test_new_traces_come_in_by_themselves(view: PageView, observatory: Observatory) -> None:
    page = view.open("/traces?service=lively")
    expect(page.get_by_text("No traces found.")).to_be_visible()

    send_trace(observatory, "lively", "/one")

    expect(traces(page)).to_have_count(1)
    expect(page.get_by_text("No traces found.")).to_be_hidden()


def test_nothing_moves_under_a_reader(view: PageView, observatory: Observatory) -> None:
    send_trace(observatory, "steady", "/one")
    page = view.open("/traces?service=steady")
    expect(traces(page)).to_have_count(1)
    page.keyboard.press("j")

    send_trace(observatory, "steady", "/two")

    more = page.get_by_role("button", name="1 new trace ↑")
    expect(more).to_be_visible()
    expect(traces(page)).to_have_count(1)
    more.click()
    expect(traces(page).locator(".what a bdi")).to_have_text(["/two", "/one"])
    expect(more).to_be_hidden()


def test_it_can_be_paused(browser: Browser, observatory: Observatory) -> None:
    send_trace(observatory, "calm", "/one")
    with window(browser) as context:
        context.clock.install()
        page = context.new_page()
        page.goto(f"{observatory.page}/traces?service=calm")
        expect(traces(page)).to_have_count(1)

        page.get_by_role("button", name="Live").click()
        send_trace(observatory, "calm", "/two")
        with page.expect_response("**/api/status"):  # the foot goes on
            context.clock.fast_forward(10_000)

        expect(page.get_by_role("button", name="Paused")).to_have_attribute("aria-pressed", "false")
        expect(traces(page)).to_have_count(1)
        page.keyboard.press("p")
        expect(traces(page)).to_have_count(2)


def test_older_ones_are_shown_when_asked_for(view: PageView, observatory: Observatory) -> None:
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
    http(observatory, "traces", request("traces", crowd, {"service.name": "crowd"}))
    page = view.open("/traces?service=crowd")
    expect(traces(page)).to_have_count(50)

    page.get_by_role("button", name="Older").click()

    expect(traces(page)).to_have_count(60)
    routes = [f"/{number}" for number in reversed(range(60))]
    expect(traces(page).locator(".what a bdi")).to_have_text(routes)
    expect(page.get_by_role("button", name="Older")).to_be_hidden()


def test_a_trace_that_is_on_its_way_is_waited_for(view: PageView, observatory: Observatory) -> None:
    view.expected = ("404",)
    trace = uuid4().hex
    page = view.open(f"/trace/{trace}")
    expect(page.get_by_text("arrive about 2 s after the request")).to_be_visible()

    part = Part(1, 0, "GET /late", 0, 5, "late", served("/late", 200))
    send(observatory, trace, time_ns() - 10 * MS, [part])

    expect(page.get_by_role("heading", level=1)).to_have_text("GET /late")
    expect(page.get_by_text("arrive about 2 s after the request")).to_be_hidden()


def test_a_trace_that_never_comes_is_given_up(browser: Browser, observatory: Observatory) -> None:
    with window(browser) as context:
        context.clock.install()
        page = context.new_page()
        page.goto(f"{observatory.page}/trace/{uuid4().hex}")
        expect(page.get_by_text("arrive about 2 s after the request")).to_be_visible()

        context.clock.fast_forward(11_000)

        expect(page.get_by_role("button", name="Retry")).to_be_visible()
