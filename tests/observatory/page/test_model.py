"""The Model view: what it shows, the card of a version, and changes with the token."""

import re

from playwright.sync_api import Page, expect

from tests.observatory.page.page_view import PageView, settled
from tests.observatory.registry_service import NEW, OLD, REFUSED, TOKEN


def row(page: Page, region: str, name: str) -> str:
    """The text of a table's row."""
    found = page.get_by_role("region", name=region, exact=True).get_by_role("row")
    return found.filter(has_text=name).first.inner_text()


def test_it_shows_versions_drift_shadow_and_changes(view: PageView, models: str) -> None:
    page = view.open(f"/model?service={models}")
    settled(page)

    expect(page.get_by_role("heading", level=1)).to_contain_text(f"Drifting {OLD}")
    assert re.split(r"\s*\t\s*", row(page, "Versions", OLD))[:6] == [
        OLD, "serves", "1", "3", "75 %", "67 %"
    ]  # fmt: skip
    assert "0.153 (0.148 to 0.158)" in row(page, "Versions", OLD)
    assert "challenger, answers 10 % of the users" in row(page, "Versions", NEW)
    assert "refused by the gate" in row(page, "Versions", REFUSED)
    assert "instead of fusion" in row(page, "Changes", "promoted")
    assert "similarity, category" in row(page, "Evaluations of drift", "drifting")
    assert "0.4" in row(page, "Challengers", NEW)
    charts = page.locator('[data-part^="Drift"] figure')
    expect(charts).to_have_count(3)
    expect(charts.first).to_contain_text("threshold")
    expect(page.get_by_role("group", name=re.compile("^Answers by version over"))).to_be_visible()
    with page.expect_navigation(url=re.compile("/trace/")):
        page.get_by_role("region", name="Changes").get_by_role("link").first.click()


def test_the_card_of_a_version(view: PageView, models: str) -> None:
    page = view.open(f"/model?service={models}")
    page.get_by_role("button", name=f"Card of {REFUSED}").click()
    card = page.get_by_role("dialog", name=f"Card of {REFUSED}")
    expect(card).to_contain_text("Gate: refused. nDCG@10 is 0.08 lower")
    expect(card.get_by_role("row").filter(has_text="candidate").first).to_contain_text("0.700")
    page.keyboard.press("Escape")
    expect(card).to_have_count(0)


def test_a_version_is_promoted_with_the_token(view: PageView, models: str) -> None:
    view.expected = ("401",)
    page = view.open(f"/model?service={models}")
    page.get_by_role("button", name=f"Promote {REFUSED}").click()
    dialog = page.get_by_role("dialog", name=f"Promote {REFUSED}")
    token = dialog.get_by_label("Token")
    expect(token).to_be_focused()
    expect(dialog.get_by_role("checkbox")).to_be_visible()
    page.keyboard.type("a wrong token")
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("alert")).to_contain_text("Send the token from VITRINE_TOKEN")
    token.fill(TOKEN)
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    expect(page.locator("#announcement")).to_contain_text(REFUSED)
    assert page.evaluate("Object.keys(localStorage).concat(Object.keys(sessionStorage))") == []

    page.get_by_role("button", name="Roll back").click()
    dialog = page.get_by_role("dialog", name="Roll back to fusion")
    expect(dialog.get_by_role("checkbox")).to_be_hidden()
    dialog.get_by_role("button", name="Roll back").click()  # the token is still there
    expect(dialog).to_be_hidden()


def test_by_keyboard(view: PageView) -> None:
    page = view.open("/logs")
    settled(page)
    page.keyboard.press("g")
    page.keyboard.press("o")
    expect(page).to_have_url(re.compile("/model$"))
    page.keyboard.press("p")
    expect(page.get_by_role("button", name="Paused")).to_be_visible()
