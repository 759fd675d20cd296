"""Themes, names, policy, narrow screens."""

import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, Route, expect

import observatory.ui
from tests.chromium import SCHEMES, inaccessible, window
from tests.observatory.observatory_process import Observatory
from tests.observatory.page import shop_telemetry
from tests.observatory.page.page_view import PageView, settled

STATIC = Path(observatory.ui.__file__).parent / "static"
VIEWS = [
    "/",
    "/traces",
    "/traces?attr=shop.tier%3Dgold&status=ok",
    f"/trace/{shop_telemetry.ORDER}",
    f"/trace/{shop_telemetry.ORDER}?span=0000000000000004",
    f"/trace/{shop_telemetry.HOSTILE}?span=0000000000000001",
    f"/trace/{shop_telemetry.ORDER}?tab=logs",
    "/logs",
    "/charts",
    "/metrics",
    "/diagnose",
    "/compare",
    "/compare?status=error&by=shop.tier",
    "/model?service=models",
    "/sql?report=slowest_traces",
]


def lightness(page: Page) -> int:
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return sum(map(int, re.findall(r"\d+", colour)))


@pytest.mark.parametrize(("system", "least", "most"), [("light", 700, 765), ("dark", 0, 100)])
def test_the_theme_is_the_systems(
    browser: Browser, observatory: Observatory, system: Any, least: int, most: int
) -> None:
    with window(browser, color_scheme=system) as context:
        page = context.new_page()
        page.goto(observatory.page)
        assert least <= lightness(page) <= most


def test_a_chosen_theme_is_remembered(view: PageView) -> None:
    page = view.open("/traces")
    button = page.get_by_role("button", name="Theme")
    for name, dark in (("light", False), ("dark", True)):
        button.click()
        expect(button).to_have_accessible_name(f"Theme: {name}")
        assert (lightness(page) < 100) is dark

    page.reload()

    assert lightness(page) < 100
    button.click()
    expect(button).to_have_accessible_name("Theme: system")
    assert lightness(page) > 700


@pytest.mark.usefixtures("models")
def test_everything_is_accessible_and_fits_a_narrow_screen(
    view: PageView, subtests: pytest.Subtests
) -> None:
    for path in VIEWS:
        with subtests.test(path):
            view.page.set_viewport_size({"width": 1280, "height": 800})
            everything_is_accessible_and_fits(view.open(path))


def everything_is_accessible_and_fits(page: Page) -> None:
    settled(page)
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        assert inaccessible(page) == []
    page.set_viewport_size({"width": 360, "height": 740})
    page.wait_for_function("document.documentElement.scrollWidth <= 360")


def test_filters_fold_away_on_a_narrow_screen(view: PageView) -> None:
    view.page.set_viewport_size({"width": 360, "height": 740})
    page = view.open("/traces?status=ok")
    field = page.get_by_role("combobox", name="Filter by attribute")
    expect(field).to_be_hidden()
    expect(page.get_by_label("Status", exact=True)).to_be_visible()  # it is in use

    page.get_by_role("button", name="Filters").click()

    expect(field).to_be_visible()


def test_the_policy_forbids_what_the_page_never_needs(view: PageView) -> None:
    response = view.page.goto(view.observatory.page)
    assert response is not None
    policy = response.headers["content-security-policy"]

    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    settled(view.page)
    expect(view.page.locator("style, script:not([src])")).to_have_count(0)
    assert " style=" not in (STATIC / "index.html").read_text()


def test_less_motion_where_it_is_asked_for(browser: Browser, observatory: Observatory) -> None:
    with window(browser, reduced_motion="reduce") as context:
        page = context.new_page()
        page.goto(observatory.page)
        expect(page.locator(".live i").first).to_have_css("animation-name", "none")


def test_the_shell_asks_for_all_modules_at_once() -> None:
    asked = re.findall(
        r'modulepreload" href="/static/([^"]+)"', (STATIC / "index.html").read_text()
    )
    modules = {path.name for path in STATIC.glob("*.js")} - {"theme.js", "main.js"}
    assert sorted(asked) == sorted(modules)


def test_data_never_becomes_markup() -> None:
    ours = [path for path in STATIC.glob("*.js") if not path.name.startswith("uPlot")]
    forbidden = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|srcdoc"
    )
    assert [path.name for path in ours if forbidden.search(path.read_text())] == []


def test_what_others_made_is_named_with_its_licence(observatory: Observatory) -> None:
    output = httpx.get(f"{observatory.page}/static/THIRD-PARTY.txt").text
    version = re.search(r"\(v([\d.]+)\)", (STATIC / "uPlot.esm.js").read_text())
    assert version is not None
    assert f"uPlot {version[1]}" in output
    assert "The MIT License" in output


def test_charts_show_each_route(view: PageView) -> None:
    page = view.open("/charts?service=shop&route=%2Fcarts")
    routes = page.locator(".charts.routes .chart h2")

    expect(routes.filter(has_text="/carts")).to_be_visible()
    expect(page.locator(".plot canvas").first).to_be_visible()
    expect(page.locator(".dot")).not_to_have_count(0)
    routes.filter(has_text="/carts").get_by_role("link").click()
    expect(page).to_have_url(re.compile(r"/traces\?service=shop&route=%2Fcarts$"))


def test_the_legend_shows_values_and_not_what_is_drawn(view: PageView) -> None:
    """Errors are drawn over what was refused, which is drawn higher by as much."""
    numbers = {name: [10, 10] for name in ("p50", "p95", "p99")}
    rates = {"rate": [1, 1], "refused": [0.2, 0.2], "errors": [0.1, 0.1]}
    answer = {"step": 30, "times": [0, 30], "exemplars": [], **numbers, **rates}
    view.page.route("**/api/charts?*", lambda route: route.fulfill(json=answer))
    page = view.open("/charts?last=60")
    chart = page.locator(".chart").filter(has_text="Request rate")
    chart.locator(".u-over").hover()
    expect(chart.locator(".key").filter(has_text="4xx")).to_have_text("4xx0.2/s")


def test_a_chart_that_is_replaced_is_removed(view: PageView) -> None:
    metric = {
        "name": "shop.orders", "kind": "gauge", "unit": "", "description": "", "services": ["shop"],
        "series": 1, "points": 2, "attributes": [], "newest": "0",
    }  # fmt: skip

    def series(route: Route) -> None:
        line = {"group": route.request.url.partition("by=")[2], "values": [1, 2]}
        answer = {"kind": "gauge", "step": 1, "times": [1, 2], "lines": [line], "groups": 1}
        route.fulfill(json=answer)

    view.page.route("**/api/metrics?*", lambda route: route.fulfill(json={"metrics": [metric]}))
    view.page.route("**/api/metrics/series?*", series)
    page = view.open("/metrics")
    for by in ("service", "instance"):
        page.get_by_label("By attribute").select_option(by)
        expect(page.locator(".chart .key")).to_have_text(by)
    assert page.evaluate(SYNCHRONIZED) == 1


SYNCHRONIZED = """async () => {
  const loaded = performance.getEntriesByType("resource").map(({ name }) => name);
  const { default: uPlot } = await import(loaded.find((name) => name.endsWith("uPlot.esm.js")));
  return uPlot.sync("time").plots.length;
}"""
"""The number of plots whose cursors move together."""
