"""The SQL view."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.observatory.page.page_view import PageView
from tests.observatory.page.shop_telemetry import ORDER, WIDE


def ask(page: Page, query: str) -> None:
    page.get_by_label("Query").fill(query)
    page.keyboard.press("Control+Enter")


def test_a_report_is_run_by_a_click_and_leads_to_traces(view: PageView) -> None:
    page = view.open("/sql")
    page.get_by_role("link", name="Slowest traces").click()

    expect(page).to_have_url(re.compile(r"\?report=slowest_traces$"))
    expect(page.get_by_label("Query")).to_have_value(re.compile("^WITH"))
    link = page.get_by_role("link", name=WIDE)
    expect(link).to_be_visible()
    expect(page.locator(".work .facts")).to_contain_text(re.compile(r"\d+ rows in .* read"))
    link.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("POST /import")
    page.go_back()
    expect(page.get_by_role("link", name=WIDE)).to_be_visible()


def test_every_report_is_listed(view: PageView) -> None:
    page = view.open("/sql")
    listed = page.get_by_role("list", name="Reports").get_by_role("link")
    expect(listed).not_to_have_count(0)
    reports = page.evaluate("fetch('/api/reports').then(answer => answer.json())")

    expect(listed).to_have_text([report["title"] for report in reports])


def test_a_query_is_kept_in_the_address_and_not_run_from_there(view: PageView) -> None:
    page = view.open("/sql")
    ask(page, "SELECT 1 AS one")
    expect(page.get_by_role("cell")).to_have_text(["1"])
    expect(page).to_have_url(re.compile(r"\?q=SELECT\+1\+AS\+one$"))

    page.reload()

    expect(page.get_by_label("Query")).to_have_value("SELECT 1 AS one")
    expect(page.get_by_role("cell")).to_have_count(0)


def test_results_are_sorted_by_a_click(view: PageView) -> None:
    page = view.open("/sql")
    ask(page, "SELECT toInt32(arrayJoin([9, 100, 20])) AS n, toString(n) AS s")
    numbers = page.locator("tbody td:first-child")
    expect(numbers).to_have_text(["9", "100", "20"])
    expect(numbers.first).to_have_css("text-align", "right")

    page.get_by_role("button", name="n", exact=True).click()
    expect(numbers).to_have_text(["100", "20", "9"])
    expect(page.get_by_role("columnheader", name="n")).to_have_attribute("aria-sort", "descending")
    page.get_by_role("button", name="n", exact=True).click()
    expect(numbers).to_have_text(["9", "20", "100"])


def test_results_are_copied_as_csv(view: PageView) -> None:
    page = view.open("/sql")
    ask(page, """SELECT 'a "b", c' AS t, '=1+1' AS f, -5 AS n, NULL AS nothing""")
    page.get_by_role("button", name="Copy as CSV").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()

    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.splitlines() == ["t,f,n,nothing", '"a ""b"", c",\'=1+1,-5,']


def test_columns_of_ids_are_links(view: PageView) -> None:
    page = view.open("/sql")
    ask(
        page,
        f"SELECT '{ORDER}' AS trace_id, '0000000000000004' AS span_id, 'javascript:1' AS trace",
    )
    expect(page.get_by_role("cell").get_by_role("link")).to_have_count(1)

    page.get_by_role("cell").get_by_role("link").click()
    expect(page).to_have_url(re.compile(f"/trace/{ORDER}\\?span=0000000000000004$"))


@pytest.mark.parametrize(
    ("query", "status", "output"),
    [
        ("SELECT FROM WHERE", "400", "Syntax error"),
        ("SELECT nobody FROM spans", "400", "nobody"),
        ("DROP TABLE spans", "403", "Not allowed"),
        ("SELECT * FROM file('/etc/passwd')", "403", "Not allowed"),
    ],
)
def test_what_goes_wrong_is_reported(view: PageView, query: str, status: str, output: str) -> None:
    view.expected = (status,)
    page = view.open("/sql")
    ask(page, query)

    expect(page.get_by_role("alert")).to_contain_text(re.compile(output, re.IGNORECASE))
    expect(page.get_by_role("table")).to_have_count(0)
    ask(page, "SELECT 2")
    expect(page.get_by_role("cell")).to_have_text(["2"])
    expect(page.get_by_role("alert")).to_have_count(0)


def test_a_result_that_is_cut_says_so(view: PageView) -> None:
    page = view.open("/sql")
    ask(page, "SELECT number FROM numbers(20000)")

    expect(page.get_by_text("Only the first 10,000 rows are shown")).to_be_visible()
    expect(page.locator("tbody tr")).to_have_count(500)
    page.get_by_role("button", name="Show more of 10,000").click()
    expect(page.locator("tbody tr")).to_have_count(2500)


def test_tab_indents(view: PageView) -> None:
    page = view.open("/sql")
    page.get_by_label("Query").fill("")
    page.get_by_label("Query").press("Tab")

    expect(page.get_by_label("Query")).to_have_value("  ")
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Query")).not_to_be_focused()
