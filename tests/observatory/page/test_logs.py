"""The view of all log records."""

import re
from time import time_ns
from uuid import uuid4

import pytest
from playwright.sync_api import expect

from tests.observatory.observatory_process import Observatory
from tests.observatory.page.page_view import PageView, logs
from tests.observatory.page.shop_telemetry import ORDER, send_logs


def test_words_are_searched_for_as_one_types(view: PageView) -> None:
    page = view.open("/logs")
    expect(logs(page)).not_to_have_count(1)
    page.keyboard.press("/")
    page.keyboard.type("STOCK low")

    expect(logs(page).locator(".body > bdi")).to_have_text(["the stock is low"])
    expect(page).to_have_url(re.compile(r"q=STOCK\+low"))


def test_what_was_typed_does_not_follow_to_another_view(view: PageView) -> None:
    page = view.open("/logs")
    expect(logs(page)).not_to_have_count(0)
    page.evaluate(
        """() => {
          const search = document.querySelector("main input.search");
          search.value = "stock";
          search.dispatchEvent(new Event("input", { bubbles: true }));
          document.querySelector('nav a[href="/traces"]').click();
        }"""
    )
    page.wait_for_timeout(1000)
    expect(page).to_have_url(re.compile("/traces$"))


@pytest.mark.parametrize(
    ("query", "output"),
    [
        ("?severity=error", ["the cart is gone"]),
        ("?severity=warn&q=the", ["the cart is gone", "the stock is low"]),
        ("?attr=item%3Dbread", ["the stock is low"]),
        ("?service=shop&q=order", ["an order came in"]),
        (f"?trace_id={ORDER}", ["the stock is low", "an order came in"]),
    ],
)
def test_addresses_filter(view: PageView, query: str, output: list[str]) -> None:
    page = view.open(f"/logs{query}")
    expect(logs(page).locator(".body > bdi")).to_have_text(output)


def test_choices_filter(view: PageView) -> None:
    page = view.open("/logs?service=shop")
    page.get_by_label("Minimum severity").select_option("Error")

    expect(logs(page).locator(".body > bdi")).to_have_text(["the cart is gone"])
    expect(page).to_have_url(re.compile("severity=error"))
    page.go_back()
    expect(logs(page)).not_to_have_count(1)


def test_a_record_opens_to_all_it_says_and_leads_to_its_span(view: PageView) -> None:
    page = view.open("/logs?q=stock")
    line = logs(page).get_by_role("button", name="the stock is low")

    line.click()
    expect(line).to_have_attribute("aria-expanded", "true")
    details = logs(page).locator(".details")
    expect(details).to_contain_text("itembread")
    expect(details).to_contain_text("service.nameshop")
    details.get_by_role("link", name="Show span in trace").click()

    expect(page).to_have_url(re.compile(f"/trace/{ORDER}\\?span=0000000000000003$"))


def test_new_records_come_in_by_themselves(view: PageView, observatory: Observatory) -> None:
    word = f"w{uuid4().hex}"
    page = view.open(f"/logs?q={word}")
    expect(page.get_by_text("No log records found.")).to_be_visible()

    record = {"at": 0, "span": 1, "output": f"hello {word}", "level": "INFO", "number": 9}
    send_logs(observatory, uuid4().hex, time_ns(), [record])

    expect(logs(page)).to_have_count(1)
    expect(page.get_by_text("No log records found.")).to_be_hidden()
