"""Hostile telemetry is shown as text. `view` checks that none of it ran."""

import pytest
from playwright.sync_api import expect

from tests.observatory.page import shop_telemetry
from tests.observatory.page.page_view import (
    PageView,
    logs,
    option,
    panel,
    row,
    section,
    settled,
    traces,
)

MADE_BY_DATA = "#main img, #main script, dialog img, dialog script, b[onclick], [onerror]"
TAG = "%3Cimg%20src%3Dx%20onerror%3D%22window.harmed%3D3%22%3E"


def test_names_in_the_list(view: PageView) -> None:
    page = view.open("/traces")
    hostile = traces(page).filter(has_text=shop_telemetry.MARKUP)

    expect(hostile).to_have_count(1)
    expect(hostile.locator(".services")).to_contain_text("evil</script>")
    expect(page.get_by_label("Service", exact=True)).to_contain_text("⟨U+202E⟩live")
    expect(page.locator(MADE_BY_DATA)).to_have_count(0)


def test_a_trace_and_its_spans(view: PageView) -> None:
    page = view.trace(shop_telemetry.HOSTILE, "?span=0000000000000001")

    expect(page.get_by_role("heading", level=1)).to_have_text(shop_telemetry.MARKUP)
    expect(panel(page).locator(".message")).to_have_text(shop_telemetry.SCRIPT)
    expect(panel(page)).to_contain_text(shop_telemetry.KEY)
    expect(panel(page)).to_contain_text("invoice⟨U+202E⟩gpj.exe")
    expect(section(page, "Events").locator("pre")).to_have_text(shop_telemetry.SCRIPT)
    expect(section(page, "Links").get_by_role("link", name="Trace 0101")).to_be_visible()
    expect(section(page, "Links")).to_contain_text(shop_telemetry.MARKUP)
    section(page, "Logs").get_by_role("button").first.click()
    expect(page.locator(MADE_BY_DATA)).to_have_count(0)


def test_every_name_is_isolated_from_what_is_around_it(view: PageView) -> None:
    page = view.trace(shop_telemetry.HOSTILE)
    expect(page.locator(".who .name > :not(bdi)")).to_have_count(0)
    expect(page.locator(".who .service > :not(bdi)")).to_have_count(0)
    expect(page.get_by_text("⟨U+202E⟩live").first).to_have_css("unicode-bidi", "isolate")


def test_what_is_no_text_and_what_steers_a_terminal(view: PageView) -> None:
    page = view.trace(shop_telemetry.HOSTILE)
    row(page, "broken��ame").click()

    expect(panel(page).get_by_role("heading", level=2)).to_have_text("broken��ame")
    expect(panel(page)).to_contain_text("a␀b␛[31m")


def test_a_megabyte_is_cut_until_it_is_asked_for(view: PageView) -> None:
    page = view.trace(shop_telemetry.HOSTILE, "?span=0000000000000001")
    value = panel(page).locator(".value").filter(has_text="xxxxx")
    assert len(value.inner_text()) < 1000

    value.get_by_role("button", name="Show all").click()

    assert len(value.inner_text()) > 200_000


def test_logs(view: PageView) -> None:
    page = view.open("/logs?q=harmed")
    expect(logs(page)).to_have_count(1)
    logs(page).get_by_role("button").first.click()

    expect(logs(page).locator(".details")).to_contain_text(shop_telemetry.SCRIPT)
    expect(page.locator(MADE_BY_DATA)).to_have_count(0)


def test_raw_json(view: PageView) -> None:
    page = view.trace(shop_telemetry.HOSTILE)
    page.get_by_role("button", name="Raw JSON").click()

    raw = page.get_by_role("dialog")
    raw.get_by_role("button", name="Show all").click()
    expect(raw).to_contain_text("onerror")
    expect(page.locator(MADE_BY_DATA)).to_have_count(0)


def test_results_of_queries(view: PageView) -> None:
    page = view.open("/sql")
    query = "SELECT name AS `<img src=x onerror=alert(1)>`, * FROM spans WHERE service LIKE 'evil%'"
    page.get_by_label("Query").fill(query)
    page.get_by_role("button", name="Run").click()

    expect(page.get_by_role("cell").first).to_have_text(shop_telemetry.MARKUP)
    expect(page.locator(MADE_BY_DATA)).to_have_count(0)


def test_suggestions(view: PageView) -> None:
    page = view.open("/traces")
    field = page.get_by_role("combobox", name="Filter by attribute")
    field.fill("shop.note")
    option(page, "shop.note").click()
    option(page, "</script>").click()

    expect(page.locator(".chip")).to_contain_text([f"shop.note={shop_telemetry.SCRIPT}"])
    expect(traces(page)).to_have_count(1)
    expect(page.locator(MADE_BY_DATA)).to_have_count(0)


@pytest.mark.parametrize(
    "path",
    [
        f"/traces?attr={TAG}&service={TAG}&route={TAG}",
        f"/traces?last={TAG}",
        f"/traces?from={TAG}&to={TAG}",
        f"/logs?q={TAG}&trace_id={TAG}&severity={TAG}",
        f"/charts?route={TAG}",
        f"/diagnose?service={TAG}&baseline={TAG}&from={TAG}",
        f"/compare?attr={TAG}&by={TAG}&base_attr={TAG}",
        f"/sql?q={TAG}",
        f"/sql?report={TAG}",
        f"/trace/{shop_telemetry.HOSTILE}?span={TAG}&tab={TAG}",
        "/traces?attr=javascript:window.harmed=4&service=constructor&status=__proto__",
    ],
)
def test_addresses_that_mean_harm(view: PageView, path: str) -> None:
    view.expected = ("422", "400")
    page = view.open(path)

    settled(page)
    expect(page.locator(MADE_BY_DATA)).to_have_count(0)
    hrefs = page.evaluate("[...document.querySelectorAll('a')].map(a => a.getAttribute('href'))")
    assert all(href.startswith(("/", "#main")) and not href.startswith("//") for href in hrefs)
