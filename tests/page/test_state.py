"""The page in a real browser: its address, and what was missing."""

import re

from playwright.sync_api import expect

from tests.page.page_view import PageView, ask, box, cards, rewrite


def test_a_lost_connection_is_explained(view: PageView) -> None:
    page = view.open()
    page.context.set_offline(True)

    box(page).fill("bread")
    box(page).press("Enter")

    expect(page.get_by_role("alert")).to_contain_text("The service cannot be reached.")
    page.context.set_offline(False)
    box(page).press("Enter")
    expect(cards(page)).not_to_have_count(0)
    view.complaints.clear()


def test_the_address_holds_the_state(view: PageView) -> None:
    page = view.open("/?q=bread&limit=3&category=cooking")
    expect(cards(page)).to_have_count(3)
    expect(page.get_by_role("combobox", name="Results")).to_have_value("3")
    expect(page.get_by_label("Category")).to_have_value("cooking")

    ask(page, "sourdough")
    expect(page).to_have_url(re.compile(r"\?q=sourdough&category=cooking&limit=3$"))
    page.go_back()
    expect(page.get_by_role("heading", level=2)).to_have_text("Results for “bread”")
    expect(box(page)).to_have_value("bread")
    page.go_forward()
    expect(page.get_by_role("heading", level=2)).to_have_text("Results for “sourdough”")
    expect(box(page)).to_have_value("sourdough")


def test_filters_search_at_once(view: PageView) -> None:
    page = view.open("/?q=bread+program")
    expect(cards(page)).not_to_have_count(0)
    category = page.get_by_label("Category")

    category.focus()
    expect(page.locator("#categories option")).to_have_count(4)
    category.fill("computing")
    category.press("Tab")

    expect(page.locator("#results .category")).to_have_text(["computing"])
    category.fill("nowhere")
    category.press("Enter")
    expect(page.get_by_text("there is no category “nowhere”; there are: ")).to_be_visible()
    view.complaints.clear()  # the browser notes the status 422


def test_a_new_search_aborts_the_one_before(view: PageView) -> None:
    page = view.open()
    page.route("**/recommend?q=bread", lambda _: None)  # never answered
    with page.expect_request("**/recommend?q=bread"):
        box(page).fill("bread")
        box(page).press("Enter")

    with page.expect_event("requestfailed") as failed:
        ask(page, "sourdough")

    assert failed.value.url.endswith("/recommend?q=bread")
    assert failed.value.failure == "net::ERR_ABORTED"
    expect(page.locator("main")).to_have_attribute("aria-busy", "false")
    expect(page.get_by_role("alert")).to_be_empty()


def test_what_was_missing_is_reported_in_a_sentence(view: PageView) -> None:
    rewrite(view.page, lambda answer: answer.update(degraded=["topic_signal", "moon"]))
    page = view.open("/?q=bread")

    missing = page.get_by_role("list", name="What was missing").get_by_role("listitem")
    expect(missing).to_have_text(
        [
            "Wikipedia did not answer; the results are ranked without it.",
            "Ranked without “moon”.",
        ]
    )
