"""Everything by keyboard."""

import re

from playwright.sync_api import expect

from tests.observatory.page.page_view import (
    NEWEST_FIRST,
    PageView,
    only_shop,
    option,
    panel,
    spans,
    traces,
)
from tests.observatory.page.shop_telemetry import FAILURE, ORDER


def test_through_the_list_into_a_trace_and_back(view: PageView) -> None:
    page = view.open(only_shop())
    expect(traces(page)).to_have_count(len(NEWEST_FIRST))

    page.keyboard.press("j")
    expect(traces(page).nth(0).locator("a")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("j")  # there is no more
    expect(traces(page).nth(3).locator("a")).to_be_focused()
    page.keyboard.press("k")
    page.keyboard.press("Enter")

    expect(page).to_have_url(re.compile(f"/trace/{FAILURE}$"))
    expect(page.get_by_role("treegrid")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page).to_have_url(re.compile(r"/traces\?service=shop$"))
    expect(traces(page).nth(2).locator("a")).to_be_focused()


def test_through_the_tree(view: PageView) -> None:
    page = view.trace(ORDER)
    tree = page.get_by_role("treegrid")
    selected = tree.locator("[aria-selected=true] .name")
    expect(tree).to_be_focused()

    page.keyboard.press("j")
    expect(selected).to_have_text("POST /orders")
    expect(tree).to_have_attribute("aria-activedescendant", "span-0")
    page.keyboard.press("ArrowRight")
    expect(selected).to_have_text("ask the warehouse")
    page.keyboard.press("ArrowLeft")
    expect(spans(page)).to_have_count(3)
    expect(tree.locator("[aria-selected=true]")).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("ArrowRight")
    expect(spans(page)).to_have_count(5)
    page.keyboard.press("End")
    expect(selected).to_have_text("write a note")
    page.keyboard.press("ArrowLeft")
    expect(selected).to_have_text("POST /orders")

    page.keyboard.press("Enter")
    expect(panel(page)).to_be_focused()
    page.keyboard.press("Escape")
    expect(panel(page)).to_be_hidden()
    expect(tree).to_be_focused()
    page.keyboard.press("Escape")
    expect(page).to_have_url(re.compile("/traces$"))


def test_spans_are_found_one_after_the_other(view: PageView) -> None:
    page = view.trace(ORDER)
    selected = page.get_by_role("treegrid").locator("[aria-selected=true] .name")

    page.keyboard.press("/")
    page.keyboard.type("warehouse")
    expect(page.locator(".trace-tools")).to_contain_text("3 found")
    page.keyboard.press("Escape")
    for name in ("ask the warehouse", "GET /stock", "SELECT", "ask the warehouse"):
        page.keyboard.press("n")
        expect(selected).to_have_text(name)
    page.keyboard.press("Shift+N")
    expect(selected).to_have_text("SELECT")


def test_a_filter_is_typed(view: PageView) -> None:
    page = view.open("/traces")
    page.keyboard.press("/")
    expect(page.get_by_role("combobox", name="Filter by attribute")).to_be_focused()

    page.keyboard.type("shop.ti")
    expect(option(page)).to_have_text(["shop.tier"])
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(option(page)).to_have_text(["gold1"])
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")

    expect(page).to_have_url(re.compile(r"attr=shop\.tier%3Dgold"))
    expect(traces(page)).to_have_count(1)
    page.keyboard.type(f"00-{ORDER}-0000000000000001-01")  # pasted from a header
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"/trace/{ORDER}$"))


def test_help_is_shown_and_closed(view: PageView) -> None:
    page = view.open("/traces")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    page.keyboard.press("j")  # nothing for the list behind it
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_hidden()
    page.get_by_role("button", name="Keyboard shortcuts").click()
    page.get_by_role("dialog").get_by_role("button", name="Close").click()
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_hidden()


VIEWS = {"l": "/logs", "c": "/charts", "d": "/compare", "s": "/sql", "t": "/traces", "h": "/"}


def test_views_by_letters(view: PageView) -> None:
    page = view.open("/traces")
    for letter, path in VIEWS.items():
        page.keyboard.press("g")
        page.keyboard.press(letter)
        expect(page).to_have_url(re.compile(f"{path}$"))
    expect(page.get_by_role("heading", level=1)).not_to_have_text("…")
    expect(page.locator("[data-part='Services']")).to_contain_text("warehouse")
    expect(page.locator("[data-part='Service map']")).to_contain_text("warehouse")


def test_a_browsers_own_keys_stay_its_own(view: PageView) -> None:
    page = view.open(only_shop())
    expect(traces(page)).to_have_count(len(NEWEST_FIRST))
    page.keyboard.press("Control+j")
    expect(traces(page).locator("a:focus")).to_have_count(0)
