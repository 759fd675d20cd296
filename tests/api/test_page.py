"""The demo page in a real browser, with the real service behind it."""

import json
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect, sync_playwright

HERE = Path(__file__).parent
CHROMIUM = shutil.which("chromium")
ARGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
ARGS += ["--disable-component-update"]
INTERACTIVE = {"button", "link", "searchbox", "textbox", "combobox", "DisclosureTriangle"}


@dataclass(frozen=True)
class Server:
    url: str
    data: Path

    def feedback(self) -> list[tuple[str, str, int]]:
        with closing(sqlite3.connect(self.data / "journal.db")) as journal:
            return journal.execute("SELECT document, kind, rank FROM feedback").fetchall()


@dataclass
class Shown:
    """A page, and everything it did that it should not do."""

    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)

    def open(self, path: str = "/") -> Page:
        self.page.goto(self.url + path)
        return self.page

    def watch(self) -> None:
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self._same_origin(request.url))
        self.page.on(
            "console",
            lambda told: self.complaints.append(told.text) if told.type == "error" else None,
        )

    def _same_origin(self, url: str) -> None:
        if not url.startswith(f"{self.url}/"):
            self.complaints.append(f"asked {url}")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data = tmp_path_factory.mktemp("data")
    env = {name: value for name, value in os.environ.items() if not name.startswith("VITRINE_")}
    env |= {"VITRINE_DATA": str(data), "VITRINE_WIKIPEDIA__ENABLED": "false"}
    env |= {"PYTHONPATH": str(HERE.parents[1]), "OMP_NUM_THREADS": "1"}
    with socket.create_server(("127.0.0.1", 0)) as listening:
        number = listening.fileno()
        command = [sys.executable, str(HERE / "page_server.py"), str(number)]
        with subprocess.Popen(command, env=env, pass_fds=[number]) as process:
            yield Server(f"http://127.0.0.1:{listening.getsockname()[1]}", data)
            process.terminate()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        absent = "needs chromium on the PATH"
        if os.environ.get("CI") == "true":
            pytest.fail(absent)
        pytest.skip(absent)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        yield browser
        browser.close()


@pytest.fixture
def shown(browser: Browser, server: Server) -> Iterator[Shown]:
    """A fresh page. No test may leave it with a complaint."""
    with browser.new_context() as context:
        shown = Shown(context.new_page(), server.url)
        shown.watch()
        yield shown
        assert shown.complaints == []


def box(page: Page) -> Locator:
    return page.get_by_role("searchbox", name="What would you like to know?")


def cards(page: Page) -> Locator:
    return page.locator("#results > li")


def ask(page: Page, question: str) -> None:
    box(page).fill(question)
    box(page).press("Enter")
    expect(page.get_by_role("heading", level=2)).to_have_text(f"Results for “{question}”")


def number(text: str | None) -> float:
    assert text is not None
    return float(text.replace("−", "-"))


def rewrite(page: Page, change: Callable[[dict[str, Any]], None]) -> None:
    """Let the page get recommendations that were changed on the way."""

    def changed(route: Route) -> None:
        response = route.fetch()
        answer = response.json()
        change(answer)
        route.fulfill(response=response, body=json.dumps(answer))

    page.route("**/recommend?*", changed)


def test_searching_by_keyboard_shows_ranked_results(shown: Shown) -> None:
    page = shown.open()
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
    expect(page.locator("#provenance")).to_contain_text("ranked by fusion 1")
    expect(page.locator("#recommendation")).to_have_text(re.compile("^[0-9a-f]{32}$"))
    expect(page.locator("#status")).to_have_text(re.compile(f"^{count} results in .* ms$"))


def test_contributions_add_up_to_the_score_in_table_and_bar(shown: Shown) -> None:
    page = shown.open("/?q=keep+bread+from+going+stale")
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


def test_matched_terms_are_tagged_and_marked_whatever_their_ending(shown: Shown) -> None:
    page = shown.open("/?q=example+program")
    card = cards(page).first

    expect(card.get_by_role("list", name="Matched terms").get_by_role("listitem")).to_have_text(
        ["example", "program"]
    )
    expect(card.locator(".text mark")).to_have_text(["program", "examples"])
    expect(card.locator(".summary")).to_contain_text("Contains “example”, “program”")


def test_corrections_are_shown(shown: Shown) -> None:
    page = shown.open("/?q=sourdoug+bread")

    expect(page.locator("#reading")).to_have_text("Read as bread, sourdoug → sourdough")
    expect(cards(page).first.locator("h3 mark")).to_have_text("Sourdough")


def test_slash_goes_to_the_search_box(shown: Shown) -> None:
    page = shown.open("/?q=bread")
    page.get_by_role("button", name="Similar to: Bread").focus()

    page.keyboard.press("/")

    expect(box(page)).to_be_focused()
    expect(box(page)).to_have_value("bread")


def test_an_example_searches(shown: Shown) -> None:
    page = shown.open()

    page.get_by_role("button", name="keep bread from going stale").click()

    expect(cards(page)).not_to_have_count(0)
    expect(box(page)).to_have_value("keep bread from going stale")
    expect(page.get_by_role("heading", name="For example")).to_be_hidden()


def test_hostile_documents_are_only_text(shown: Shown) -> None:
    shown.page.on("dialog", lambda dialog: shown.complaints.append(dialog.message))
    page = shown.open("/?q=zugzwang")
    card = cards(page).first

    expect(card.locator("h3")).to_contain_text('<img src=x onerror="alert(1)">')
    expect(card.locator(".text")).to_contain_text("<script>alert(3)</script>")
    expect(card.locator(".category")).to_have_text("<i>chess</i>")
    expect(card.locator("script, img, i, a, .text b")).to_have_count(0)
    for isolated in ("h3", ".text", ".category"):
        expect(card.locator(isolated)).to_have_css("unicode-bidi", re.compile("isolate|plaintext"))


def test_a_hostile_question_is_only_text(shown: Shown) -> None:
    shown.page.on("dialog", lambda dialog: shown.complaints.append(dialog.message))
    page = shown.open("/?q=<img src=x onerror=alert(1)> constructor bread")

    expect(page.get_by_role("heading", level=2)).to_contain_text("<img src=x onerror=alert(1)>")
    expect(page.locator("#reading")).to_contain_text("constructor")
    expect(page.locator("main img")).to_have_count(0)


def test_feedback_is_posted_and_confirmed(shown: Shown, server: Server) -> None:
    page = shown.open("/?q=keep+bread+from+going+stale")
    title = cards(page).first.locator("h3").inner_text()
    up = page.get_by_role("button", name=f"Thumbs up: {title}")
    down = page.get_by_role("button", name=f"Thumbs down: {title}")
    expect(up).to_have_attribute("aria-pressed", "false")

    with page.expect_response("**/feedback") as first:
        up.click()
    expect(up).to_have_attribute("aria-pressed", "true")
    expect(cards(page).first.get_by_role("status")).to_have_text("Noted, thank you")
    with page.expect_response("**/feedback") as again:
        up.click()
    expect(cards(page).first.get_by_role("status")).to_have_text("Already noted")
    down.click()
    expect(down).to_have_attribute("aria-pressed", "true")
    expect(up).to_have_attribute("aria-pressed", "false")

    assert (first.value.status, again.value.status) == (201, 200)
    sent = first.value.request.post_data_json
    assert sent is not None
    document = sent["document_id"]
    assert (document, "thumbs_up", 1) in server.feedback()
    assert (document, "thumbs_down", 1) in server.feedback()


def test_a_dismissed_card_folds_and_opens_again(shown: Shown, server: Server) -> None:
    page = shown.open("/?q=machine+learning+examples")
    dismiss = page.get_by_role("button", name="Dismiss: Machine learning")
    text = cards(page).first.locator(".text")

    dismiss.click()
    expect(text).to_be_hidden()
    expect(dismiss).to_have_attribute("aria-pressed", "true")
    dismiss.click()
    expect(text).to_be_visible()
    expect(dismiss).to_have_attribute("aria-pressed", "false")

    assert ("machine-learning", "dismiss", 1) in server.feedback()


def test_opening_a_result_is_noted(shown: Shown, server: Server) -> None:
    shown.page.add_init_script(
        "const ask = fetch; fetch = (url, how) => (outlives = how.keepalive, ask(url, how))"
    )
    page = shown.open("/?q=wild+yeast+sourdough")
    link = page.get_by_role("link", name="Sourdough")
    expect(link).to_have_attribute("rel", "noopener")
    expect(link).to_have_attribute("href", "https://en.wikipedia.org/wiki/Sourdough")
    stay = "link => link.addEventListener('click', event => event.preventDefault())"
    link.evaluate(stay)

    with page.expect_response("**/feedback") as noted:
        link.click()

    assert noted.value.status == 201
    assert page.evaluate("outlives") is True  # the page it is sent from
    assert ("sourdough", "click", 1) in server.feedback()


def test_similar_documents_have_an_address(shown: Shown) -> None:
    page = shown.open("/?q=sourdough")

    page.get_by_role("button", name="Similar to: Sourdough").click()

    heading = page.get_by_role("heading", level=2)
    expect(heading).to_have_text("Similar to “Sourdough”")
    expect(heading).to_be_focused()
    expect(page).to_have_url(re.compile(r"\?similar=sourdough$"))
    expect(page.get_by_role("textbox", name="Category")).to_have_count(0)
    page.reload()
    expect(heading).to_have_text("Similar to “Sourdough”")
    page.go_back()
    expect(heading).to_have_text("Results for “sourdough”")


def test_an_empty_question_is_answered_with_advice(shown: Shown) -> None:
    page = shown.open()

    page.get_by_role("button", name="Search").click()

    expect(page.get_by_role("alert")).to_have_text("The question is empty; type a few words.")
    expect(cards(page)).to_have_count(0)
    ask(page, "bread")
    expect(page.get_by_role("alert")).to_be_empty()


def test_problems_are_told_in_words(shown: Shown) -> None:
    page = shown.open("/?q=bread")
    expect(cards(page)).not_to_have_count(0)

    box(page).fill("?!")
    box(page).press("Enter")

    alert = page.get_by_role("alert")
    expect(alert).to_have_text("The question has no letters or digits; type a few words.")
    expect(page.locator("#answer")).to_be_hidden()
    page.goto(f"{shown.url}/?similar=nothing")
    expect(alert).to_have_text("No such document. There is no document “nothing”.")
    expected = ["status of 422", "status of 404"]  # Chromium says this of every failed request
    assert all(part in told for part, told in zip(expected, shown.complaints, strict=True))
    shown.complaints.clear()


def test_a_lost_connection_is_told_in_words(shown: Shown) -> None:
    page = shown.open()
    page.context.set_offline(True)

    box(page).fill("bread")
    box(page).press("Enter")

    expect(page.get_by_role("alert")).to_contain_text("The service cannot be reached.")
    page.context.set_offline(False)
    box(page).press("Enter")
    expect(cards(page)).not_to_have_count(0)
    shown.complaints.clear()


def test_the_address_holds_the_state(shown: Shown) -> None:
    page = shown.open("/?q=bread&limit=3&category=cooking")
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


def test_filters_search_at_once(shown: Shown) -> None:
    page = shown.open("/?q=bread+program")
    expect(cards(page)).not_to_have_count(0)
    category = page.get_by_label("Category")

    category.focus()
    expect(page.locator("#categories option")).to_have_count(4)
    category.fill("computing")
    category.press("Tab")

    expect(page.locator("#results .category")).to_have_text(["computing"])
    category.fill("nowhere")
    category.press("Enter")
    expect(page.get_by_text("Nothing was found.")).to_be_visible()


def test_a_new_search_aborts_the_one_before(shown: Shown) -> None:
    page = shown.open()
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


def test_what_was_missing_is_told_in_a_sentence(shown: Shown) -> None:
    rewrite(shown.page, lambda answer: answer.update(degraded=["topic_signal", "moon"]))
    page = shown.open("/?q=bread")

    missing = page.get_by_role("list", name="What was missing").get_by_role("listitem")
    expect(missing).to_have_text(
        [
            "Wikipedia gave no answer in time; the ranking was made without it.",
            "Made without “moon”.",
        ]
    )


def test_what_takes_away_is_drawn_back_to_the_score(shown: Shown) -> None:
    legs = {"lexical": 0.6, "dense": -0.1, "latent": -0.3, "topic": 0.0}

    def pairwise(answer: dict[str, Any]) -> None:
        for result in answer["results"]:
            result["score"] = 0.7
            result["reasons"] |= {"base": 0.5, "contributions": legs}

    rewrite(shown.page, pairwise)
    page = shown.open("/?q=bread&limit=3")
    bar = cards(page).first.get_by_role("img")

    expect(bar).to_have_attribute(
        "aria-label",
        "Score 0.700 of 1: base 0.500, lexical 0.600, dense −0.100, latent −0.300",
    )
    whole, end = bar.bounding_box(), bar.locator(".latent.minus").bounding_box()
    assert whole is not None
    assert end is not None
    # The peak is 1.1, so the scale of all bars goes up to there.
    assert (end["x"] - whole["x"]) / whole["width"] == pytest.approx(0.7 / 1.1, abs=0.01)
    card = cards(page).first
    card.get_by_text("Exact numbers").click()
    contributions = card.locator("tbody tr td:last-child").all_inner_texts()
    assert sum(map(number, contributions)) == pytest.approx(0.7)


def test_a_long_text_is_folded(shown: Shown) -> None:
    page = shown.open("/?q=glacier")
    text = cards(page).first.locator(".text")
    folded = text.bounding_box()

    page.get_by_role("button", name="Read on").click()

    expect(page.get_by_role("button", name="Read on")).to_have_count(0)
    unfolded = text.bounding_box()
    assert folded is not None
    assert unfolded is not None
    assert unfolded["height"] > folded["height"]


def test_the_recommendation_id_can_be_copied(shown: Shown) -> None:
    page = shown.open("/?q=bread")
    copy = page.get_by_role("button", name="Copy the recommendation id")

    copy.click()

    expect(copy).to_have_text("Copied")
    selected = page.evaluate("getSelection().toString()")
    assert selected == page.locator("#recommendation").inner_text()


def test_the_policy_forbids_what_the_page_never_needs(shown: Shown) -> None:
    response = shown.page.goto(shown.url)
    assert response is not None
    policy = response.headers["content-security-policy"]

    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    expect(shown.page.locator("[style], style, script:not([src])")).to_have_count(0)


def test_the_dark_theme_is_dark(browser: Browser, server: Server) -> None:
    def lightness(theme: Any) -> int:
        with browser.new_context(color_scheme=theme) as context:
            page = context.new_page()
            page.goto(server.url)
            colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
            return sum(map(int, re.findall(r"\d+", colour)))

    assert lightness("light") > 700
    assert lightness("dark") < 100


def test_everything_interactive_has_a_name(shown: Shown) -> None:
    page = shown.open("/?q=keep+bread+from+going+stale")
    expect(cards(page)).not_to_have_count(0)

    tree = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")
    nodes = [node for node in tree["nodes"] if not node["ignored"]]
    found = [
        (role, node.get("name", {}).get("value", "").strip())
        for node in nodes
        if (role := node["role"]["value"]) in INTERACTIVE
    ]

    assert len(found) > 4 * cards(page).count()
    assert [role for role, name in found if not name] == []
    actions = [name for role, name in found if role == "button"]
    assert len(actions) == len(set(actions))


@pytest.mark.parametrize("path", ["/", "/?q=keep+bread+from+going+stale", "/?q=zugzwang"])
def test_a_narrow_screen_needs_no_sideways_scrolling(shown: Shown, path: str) -> None:
    shown.page.set_viewport_size({"width": 360, "height": 740})
    page = shown.open(path)
    expect(page.locator("main")).to_have_attribute("aria-busy", "false")
    for summary in page.locator("summary").all():
        summary.click()

    assert page.evaluate("document.documentElement.scrollWidth") <= 360
