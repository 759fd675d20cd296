"""The list of traces: what it shows, filters, charts."""

import re

import pytest
from playwright.sync_api import expect

from tests.observatory.page import shop_telemetry
from tests.observatory.page.page_view import NEWEST_FIRST, PageView, only_shop, option, traces


def test_the_newest_traces_are_listed_first(view: PageView) -> None:
    page = view.open(only_shop())

    expect(traces(page).locator(".what a bdi")).to_have_text(NEWEST_FIRST)
    expect(traces(page).locator(".method")).to_have_text(["POST ", "POST ", "GET ", "POST "])
    expect(traces(page).locator(".http")).to_have_text(["201", "200", "500", "200"])
    expect(traces(page).locator(".took b")).to_have_text(["3 s", "800 ms", "6 ms", "20 ms"])
    expect(traces(page).locator(".spans")).to_have_text(["3,000", "1", "2", "5"])
    expect(traces(page).locator(".errors")).to_have_text(["", "", "2", ""])
    expect(traces(page).nth(1).locator(".badge")).to_have_text("degraded")
    expect(traces(page).nth(3).locator(".services")).to_have_text("shop + 2")
    expect(traces(page).first.locator("time")).to_have_attribute("title", re.compile(r"^\d{4}-.*:"))


def test_bars_are_relative_to_the_slowest(view: PageView) -> None:
    page = view.open(only_shop())
    expect(traces(page)).to_have_count(4)
    shares = page.evaluate(
        "[...document.querySelectorAll('.entry')].map(row => row.style.getPropertyValue('--share'))"
    )
    assert [float(share) for share in shares] == pytest.approx([1, 0.8 / 3, 0.006 / 3, 0.02 / 3])


@pytest.mark.parametrize(
    ("label", "choice", "query", "routes"),
    [
        ("Service", "warehouse", "service=warehouse", None),
        ("Route", "/carts", "route=%2Fcarts", ["/carts"]),
        ("Status", "Error", "status=error", ["/carts"]),
        ("Status", "Degraded", "status=degraded", ["/orders"]),
    ],
)
def test_choices_filter(
    view: PageView, label: str, choice: str, query: str, routes: list[str] | None
) -> None:
    page = view.open("/traces" if routes is None else only_shop())
    expect(traces(page).first).to_be_visible()
    before = traces(page).count()

    page.get_by_label(label, exact=True).select_option(choice)

    expect(page).to_have_url(re.compile(re.escape(query)))
    if routes is None:
        expect(traces(page)).not_to_have_count(before)
    else:
        expect(traces(page).locator(".what a bdi")).to_have_text(routes)


def test_durations_filter(view: PageView) -> None:
    page = view.open(only_shop())

    page.get_by_label("Minimum duration in ms").fill("10")
    page.get_by_label("Maximum duration in ms").fill("1000")
    page.keyboard.press("Tab")

    expect(traces(page).locator(".took b")).to_have_text(["800 ms", "20 ms"])
    expect(page).to_have_url(re.compile("min_ms=10&max_ms=1000"))


def test_what_is_invalid_is_reported(view: PageView) -> None:
    view.expected = ("422",)
    page = view.open("/traces?min_ms=many")

    expect(page.locator(".problem")).to_contain_text("min_ms")
    expect(traces(page)).to_have_count(0)


def test_attributes_are_completed_key_then_value(view: PageView) -> None:
    page = view.open()
    field = page.get_by_role("combobox", name="Filter by attribute")

    field.fill("tier")
    option(page, "shop.tier").click()
    expect(field).to_have_value("shop.tier=")
    gold = option(page, "gold")
    expect(gold).to_contain_text("1")
    gold.click()

    expect(page).to_have_url(re.compile(r"attr=shop\.tier%3Dgold"))
    expect(traces(page).locator(".what a bdi")).to_have_text(["/orders"])
    expect(field).to_have_value("")
    page.get_by_role("button", name="Remove filter shop.tier=gold").click()
    expect(page).not_to_have_url(re.compile("attr"))
    expect(traces(page)).not_to_have_count(1)


def test_back_undoes_a_filter(view: PageView) -> None:
    page = view.open(only_shop())
    page.get_by_label("Status", exact=True).select_option("Error")
    expect(traces(page)).to_have_count(1)

    page.go_back()

    expect(traces(page)).to_have_count(4)
    expect(page.get_by_label("Status", exact=True)).to_have_value("")
    page.go_forward()
    expect(traces(page)).to_have_count(1)
    expect(page.get_by_label("Status", exact=True)).to_have_value("error")


def test_an_address_can_be_shared(view: PageView) -> None:
    page = view.open("/traces?last=all&service=shop&status=ok&max_ms=100&attr=name~warehouse")

    expect(traces(page).locator(".took b")).to_have_text(["20 ms"])
    expect(page.get_by_label("Time range")).to_have_value("all")
    expect(page.get_by_label("Service", exact=True)).to_have_value("shop")
    expect(page.get_by_label("Maximum duration in ms")).to_have_value("100")
    expect(page.locator(".chips .chip")).to_contain_text(["name~warehouse"])


def test_a_dot_says_what_it_is_and_opens_its_trace(view: PageView) -> None:
    page = view.open(only_shop("&status=error&last=900"))
    dot = page.locator(".dot.error")

    dot.hover()
    expect(page.locator(".tip").first).to_contain_text("6 ms")
    expect(dot).to_have_accessible_name(re.compile("error, 6 ms, "))
    dot.click()

    expect(page).to_have_url(re.compile(f"/trace/{shop_telemetry.FAILURE}$"))
    expect(page.get_by_role("heading", level=1)).to_have_text("GET /carts")


def test_drawing_over_a_chart_sets_the_range(view: PageView) -> None:
    page = view.open(only_shop())
    area = page.locator(".u-over").last
    box = area.bounding_box()
    assert box is not None

    page.mouse.move(box["x"] + 20, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + 60, box["y"] + 25, steps=3)
    page.mouse.up()

    expect(page).to_have_url(re.compile(r"from=\d{13}&to=\d{13}"))
    expect(traces(page)).to_have_count(0)  # long before all of them
    expect(page.get_by_role("button", name="Pause")).to_have_count(0)
    page.get_by_role("button", name="Clear the custom range").click()
    expect(traces(page)).to_have_count(4)


def test_nothing_found_says_what_to_do(view: PageView) -> None:
    page = view.open("/traces?service=nobody")

    expect(page.get_by_text("No traces found.")).to_be_visible()
    page.get_by_role("button", name="Show all stored traces").click()
    expect(page).to_have_url(re.compile(r"/traces\?last=all$"))
    expect(traces(page).first).to_be_visible()


def test_the_foot_says_how_full_it_is(view: PageView) -> None:
    page = view.open()

    expect(page.locator("#foot")).to_contain_text(re.compile(r"of 5 GB .*\d spans.*retention 3 d"))
