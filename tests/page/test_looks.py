"""The page in a real browser: themes, names, policy, narrow screens."""

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.chromium import SCHEMES, inaccessible, window
from tests.page.page_view import PageView, Server, cards, number, rewrite


def test_what_takes_away_is_drawn_back_to_the_score(view: PageView) -> None:
    legs = {"lexical": 0.6, "dense": -0.1, "latent": -0.3, "topic": 0.0}

    def pairwise(answer: dict[str, Any]) -> None:
        for result in answer["results"]:
            result["score"] = 0.7
            result["reasons"] |= {"base": 0.5, "contributions": legs}

    rewrite(view.page, pairwise)
    page = view.open("/?q=bread&limit=3")
    bar = cards(page).first.get_by_role("img")

    expect(bar).to_have_attribute(
        "aria-label",
        "Score 0.700 of 1: base 0.500, lexical 0.600, dense −0.100, latent −0.300",
    )
    whole, end = bar.bounding_box(), bar.locator(".latent.minus").bounding_box()
    assert whole is not None
    assert end is not None
    # The peak is 1.1, so the scale of all bars ends there.
    assert (end["x"] - whole["x"]) / whole["width"] == pytest.approx(0.7 / 1.1, abs=0.01)
    card = cards(page).first
    card.get_by_text("Exact numbers").click()
    contributions = card.locator("tbody tr td:last-child").all_inner_texts()
    assert sum(map(number, contributions)) == pytest.approx(0.7)


def test_a_long_text_is_folded(view: PageView) -> None:
    page = view.open("/?q=glacier")
    text = cards(page).first.locator(".text")
    folded = text.bounding_box()

    page.get_by_role("button", name="Show more").click()

    expect(page.get_by_role("button", name="Show more")).to_have_count(0)
    unfolded = text.bounding_box()
    assert folded is not None
    assert unfolded is not None
    assert unfolded["height"] > folded["height"]


def test_the_recommendation_id_can_be_copied(view: PageView) -> None:
    page = view.open("/?q=bread")
    copy = page.get_by_role("button", name="Copy the recommendation id")

    copy.click()

    expect(copy).to_have_text("Copied")
    selected = page.evaluate("getSelection().toString()")
    assert selected == page.locator("#recommendation").inner_text()


def test_the_policy_forbids_what_the_page_never_needs(view: PageView) -> None:
    response = view.page.goto(view.url)
    assert response is not None
    policy = response.headers["content-security-policy"]

    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    expect(view.page.locator("[style], style, script:not([src])")).to_have_count(0)


def test_the_dark_theme_is_dark(browser: Browser, server: Server) -> None:
    def lightness(theme: Any) -> int:
        with window(browser, color_scheme=theme) as context:
            page = context.new_page()
            page.goto(server.url)
            colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
            return sum(map(int, re.findall(r"\d+", colour)))

    assert lightness("light") > 700
    assert lightness("dark") < 100


@pytest.mark.parametrize(
    "path", ["/", "/?q=keep+bread+from+going+stale", "/?q=zugzwang", "/runbook"]
)
def test_it_is_accessible_and_needs_no_sideways_scrolling(view: PageView, path: str) -> None:
    view.page.emulate_media(reduced_motion="reduce")
    page = view.open(path)
    expect(page.locator("main:not([aria-busy=true])")).to_be_visible()
    if "bread" in path:
        expect(cards(page)).not_to_have_count(0)
        buttons = page.get_by_role("button").all()
        names = [each.get_attribute("aria-label") or each.inner_text() for each in buttons]
        assert len(names) == len(set(names))
    for summary in page.locator("summary").all():
        summary.click()
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        assert inaccessible(page) == []
    page.set_viewport_size({"width": 360, "height": 740})
    page.wait_for_function("document.documentElement.scrollWidth <= 360")
