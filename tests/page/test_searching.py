"""The page in a real browser: searching and reading answers."""

import re

import pytest
from playwright.sync_api import expect

from tests.page.page_view import PageView, ask, box, cards, number


def test_searching_by_keyboard_shows_ranked_results(view: PageView) -> None:
    page = view.open()
    expect(box(page)).to_be_focused()

    page.keyboard.type("keep bread from going stale")
    page.keyboard.press("Enter")

    expect(cards(page)).not_to_have_count(0)
    count = cards(page).count()
    assert count > 1
    ranks = [cards(page).nth(place).locator(".rank").inner_text() for place in range(count)]
    scores = [number(score.split()[-1]) for score in page.locator(".score").all_inner_texts()]
    assert [rank.split()[-1] for rank in ranks] == [str(place + 1) for place in range(count)]
    assert scores == sorted(scores, reverse=True)
    expect(page.locator("#provenance")).to_contain_text("ranked by fusion 2")
    expect(page.locator("#recommendation")).to_have_text(re.compile("^[0-9a-f]{32}$"))
    expect(page.locator("#status")).to_have_text(re.compile(f"^{count} results in .* ms$"))


def test_contributions_add_up_to_the_score_in_table_and_bar(view: PageView) -> None:
    page = view.open("/?q=keep+bread+from+going+stale")
    card = cards(page).first
    card.get_by_text("Exact numbers").click()

    score = number(card.locator("tfoot td").inner_text())
    rows = card.locator("tbody tr").all()
    numbers = [[number(text) for text in row.locator("td").all_inner_texts()] for row in rows]

    assert len(rows) == 4
    assert sum(row[2] for row in numbers) == pytest.approx(score, abs=5e-6)
    for leg, weight, contribution in numbers:
        assert leg * weight == pytest.approx(contribution, abs=5e-6)
    bar = card.get_by_role("img", name=f"Score {score:.3f} of 1")
    whole = bar.bounding_box()
    pieces = [piece.bounding_box() for piece in bar.locator("span").all()]
    assert whole is not None
    drawn = sum(piece["width"] for piece in pieces if piece is not None)
    assert drawn / whole["width"] == pytest.approx(score, abs=0.01)


def test_matched_terms_are_tagged_and_marked_whatever_their_ending(view: PageView) -> None:
    page = view.open("/?q=example+program")
    card = cards(page).first

    expect(card.get_by_role("list", name="Matched terms").get_by_role("listitem")).to_have_text(
        ["example", "program"]
    )
    expect(card.locator(".text mark")).to_have_text(["program", "examples"])
    expect(card.locator(".summary")).to_contain_text("Contains “example”, “program”")


def test_corrections_are_shown(view: PageView) -> None:
    page = view.open("/?q=sourdoug+bread")

    expect(page.locator("#reading")).to_have_text("Searched for bread, sourdoug → sourdough")
    expect(cards(page).first.locator("h3 mark")).to_have_text("Sourdough")


def test_what_is_not_known_is_reported(view: PageView) -> None:
    page = view.open("/?q=blorft+bread")
    expect(page.locator("#reading")).to_have_text("Searched for bread")
    expect(page.locator("#unknown")).to_have_text("In no document: “blorft”")

    ask(page, "blorft snizzle wug")
    expect(page.locator("#nearest")).to_have_text("Nothing here answers that well; closest:")
    expect(page.locator("#nearest")).to_be_visible()
    expect(page.locator("#status")).to_contain_text("Nothing here answers that well")
    expect(cards(page)).not_to_have_count(0)
    ask(page, "sourdough bread")
    expect(page.locator("#nearest")).to_be_hidden()
    expect(page.locator("#unknown")).to_be_hidden()


def test_slash_goes_to_the_search_box(view: PageView) -> None:
    page = view.open("/?q=bread")
    page.get_by_role("button", name="Similar to: Bread").focus()

    page.keyboard.press("/")

    expect(box(page)).to_be_focused()
    expect(box(page)).to_have_value("bread")


def test_an_example_searches(view: PageView) -> None:
    page = view.open()

    page.get_by_role("button", name="keep bread from going stale").click()

    expect(cards(page)).not_to_have_count(0)
    expect(box(page)).to_have_value("keep bread from going stale")
    expect(page.get_by_role("heading", name="For example")).to_be_hidden()


def test_hostile_documents_are_only_text(view: PageView) -> None:
    view.page.on("dialog", lambda dialog: view.complaints.append(dialog.message))
    page = view.open("/?q=zugzwang")
    card = cards(page).first

    expect(card.locator("h3")).to_contain_text('<img src=x onerror="alert(1)">')
    expect(card.locator(".text")).to_contain_text("<script>alert(3)</script>")
    expect(card.locator(".category")).to_have_text("<i>chess</i>")
    expect(card.locator("script, img, i, a, .text b")).to_have_count(0)
    for isolated in ("h3", ".text", ".category"):
        expect(card.locator(isolated)).to_have_css("unicode-bidi", re.compile("isolate|plaintext"))
