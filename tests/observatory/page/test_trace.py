"""One trace: its waterfall, the details of its spans, its logs."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.observatory.page.page_view import PageView, panel, row, section, share_of_track, spans
from tests.observatory.page.shop_telemetry import FAILURE, ORDER, WIDE, WIDE_SPANS


def test_its_head_says_what_it_was(view: PageView) -> None:
    page = view.trace(ORDER)
    head = page.locator(".trace-head")

    expect(page.get_by_role("heading", level=1)).to_have_text("POST /orders")
    for fact in ("20 ms", "HTTP 200", "5 spans", "2 log records", "shop", "warehouse", "notes"):
        expect(head).to_contain_text(fact)
    expect(head).not_to_contain_text("error")
    expect(page).to_have_title("POST /orders – Vitrine")


def test_the_tree_is_in_order(view: PageView) -> None:
    page = view.trace(ORDER)

    expect(spans(page).locator(".name")).to_have_text(
        ["POST /orders", "ask the warehouse", "GET /stock", "SELECT", "write a note"]
    )
    levels = [each.get_attribute("aria-level") for each in spans(page).all()]
    assert levels == ["1", "2", "3", "4", "2"]
    expect(page.locator(".marks span:visible")).to_have_text(
        ["0 ms", "5 ms", "10 ms", "15 ms", "20 ms"]
    )


def test_the_critical_path_is_marked_on_the_bars(view: PageView) -> None:
    page = view.trace(ORDER)
    expected = {
        "POST /orders": [(0, 0.1), (0.8, 1)],
        "ask the warehouse": [(0.1, 0.15), (0.75, 0.8)],
        "GET /stock": [(0.15, 0.25), (0.65, 0.75)],
        "SELECT": [(0.25, 0.65)],
        "write a note": [],
    }

    for name, pieces in expected.items():
        drawn = [share_of_track(each) for each in row(page, name).locator(".critical").all()]
        assert drawn == [pytest.approx(piece, abs=0.005) for piece in pieces], name
    expect(page.locator(".legend")).to_contain_text("critical path")


def test_where_the_time_went_is_summed_up(view: PageView) -> None:
    page = view.trace(ORDER)
    entries = page.locator(".spent ol button")

    expect(entries).to_have_text(
        ["SELECT 40 %", "POST /orders 30 %", "GET /stock 20 %", "ask the warehouse 10 %"]
    )
    entries.first.click()
    expect(panel(page).get_by_role("heading", level=2)).to_have_text("SELECT")


def test_a_span_shows_everything_about_it(view: PageView) -> None:
    page = view.trace(ORDER)
    row(page, "SELECT").click()

    expect(page).to_have_url(re.compile(r"\?span=0000000000000004$"))
    expect(panel(page)).to_contain_text("Self time8 ms")
    expect(panel(page)).to_contain_text("Share of trace40 %")
    lines = ["SELECT name, price", "FROM carts", "WHERE buyer = ?", "ORDER BY price"]
    expect(section(page, "Statement").locator("pre")).to_have_text("\n".join(lines))
    panel(page).locator("summary").click()
    expect(panel(page).locator("details .value")).to_have_text(["warehouse-1", "warehouse"])

    row(page, "ask the warehouse").click()
    expect(section(page, "URL").locator(".line")).to_have_text(["?item=<bread>", "&count=3"])


def test_an_attribute_leads_to_traces_that_have_it(view: PageView) -> None:
    page = view.trace(ORDER, "?span=0000000000000001")

    panel(page).get_by_role("link", name="Filter traces by shop.tier").click()

    expect(page).to_have_url(re.compile(r"/traces\?last=all&attr=shop\.tier%3Dgold$"))
    expect(page.locator(".entry")).to_have_count(1)
    page.go_back()
    expect(panel(page)).to_be_visible()


def test_an_attribute_can_be_copied(view: PageView) -> None:
    page = view.trace(ORDER, "?span=0000000000000001")
    button = panel(page).get_by_role("button", name="Copy shop.tier")

    button.click()

    expect(button).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == "gold"


def test_logs_are_where_they_belong(view: PageView) -> None:
    page = view.trace(ORDER)
    tick = row(page, "GET /stock").locator(".at-log.warn")
    assert share_of_track(tick)[0] == pytest.approx(0.7, abs=0.01)

    row(page, "GET /stock").click()
    section(page, "Logs").get_by_role("button", name="the stock is low").click()
    expect(section(page, "Logs").locator(".details")).to_contain_text("left2")

    page.get_by_role("tab", name="Logs 2").click()
    expect(page).to_have_url(re.compile("tab=logs"))
    lines = page.get_by_role("tabpanel").locator(".log")
    expect(lines.locator(".body > bdi")).to_have_text(["an order came in", "the stock is low"])
    expect(lines.locator(".when")).to_have_text(["+1 ms", "+14 ms"])
    lines.last.get_by_role("link", name="span").click()
    expect(panel(page).get_by_role("heading", level=2)).to_have_text("GET /stock")
    expect(page.get_by_role("treegrid")).to_be_visible()


def test_an_exception_has_its_stack_and_a_link_is_followed(view: PageView) -> None:
    page = view.trace(FAILURE)
    expect(spans(page).locator(".mark")).to_have_count(2)
    expect(row(page, "open the cart").locator(".at-event.bad")).to_have_count(1)
    row(page, "open the cart").click()

    expect(panel(page)).to_contain_text("no such table: carts")
    expect(section(page, "Events")).to_contain_text("KeyError")
    expect(section(page, "Events").locator("pre")).to_contain_text('File "shop.py", line 7')
    section(page, "Links").get_by_role("link").click()

    expect(page).to_have_url(re.compile(f"/trace/{ORDER}\\?span=0000000000000003$"))
    expect(panel(page).get_by_role("heading", level=2)).to_have_text("GET /stock")
    page.go_back()
    expect(panel(page).get_by_role("heading", level=2)).to_have_text("open the cart")


def test_it_can_be_seen_and_kept_as_it_is_stored(view: PageView) -> None:
    page = view.trace(FAILURE)

    page.get_by_role("button", name="Raw JSON").click()
    raw = page.get_by_role("dialog", name="Raw trace (JSON)")
    expect(raw).to_contain_text("no such table: carts")
    raw.get_by_role("button", name="Close").click()
    expect(raw).to_have_count(0)

    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename == f"trace-{FAILURE}.json"
    kept: Path = download.value.path()
    assert "open the cart" in json.dumps(json.loads(kept.read_text()))


def test_its_logs_are_a_click_away(view: PageView) -> None:
    page = view.trace(ORDER)
    page.get_by_role("link", name="Show in Logs").click()

    expect(page.locator(".view > .list .log")).to_have_count(2)
    expect(page.get_by_role("button", name="Logs of all traces")).to_be_visible()


def test_thousands_of_spans_are_drawn_as_they_come_into_sight(view: PageView) -> None:
    page = view.trace(WIDE)
    expect(row(page, "row 2")).to_be_visible()
    assert spans(page).count() < 100

    page.keyboard.press("End")

    expect(row(page, f"row {WIDE_SPANS}")).to_be_in_viewport()
    assert spans(page).count() < 100
    page.get_by_role("searchbox", name="Find spans").fill("row 1234")
    expect(page.locator(".trace-tools")).to_contain_text("1 found")
    page.keyboard.press("Enter")
    expect(row(page, "row 1234")).to_be_in_viewport()
    expect(panel(page).get_by_role("heading", level=2)).to_have_text("row 1234")


def test_dragging_over_the_small_picture_zooms(view: PageView) -> None:
    page = view.trace(ORDER)
    box = page.locator(".minimap").bounding_box()
    assert box is not None

    page.mouse.move(box["x"] + box["width"] / 4, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 3 / 4, box["y"] + 12, steps=2)
    page.mouse.up()

    expect(page.locator(".marks .q0")).to_have_text(re.compile(r"^(5|4\.9\d|5\.0\d) ms$"))
    assert share_of_track(row(page, "SELECT").locator(".bar"))[0] == pytest.approx(0, abs=0.01)
    page.get_by_role("button", name="Zoom out").click()
    expect(page.locator(".marks .q0")).to_have_text("0 ms")
