"""The page in a real browser: feedback, similar documents, problems."""

import re

from playwright.sync_api import expect

from tests.page.page_view import PageView, Server, ask, box, cards


def test_a_hostile_question_is_only_text(view: PageView) -> None:
    view.page.on("dialog", lambda dialog: view.complaints.append(dialog.message))
    page = view.open("/?q=<img src=x onerror=alert(1)> constructor bread")

    expect(page.get_by_role("heading", level=2)).to_contain_text("<img src=x onerror=alert(1)>")
    expect(page.locator("#unknown")).to_contain_text("constructor")
    expect(page.locator("main img")).to_have_count(0)


def test_feedback_is_posted_and_confirmed(view: PageView, server: Server) -> None:
    page = view.open("/?q=keep+bread+from+going+stale")
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


def test_a_dismissed_card_folds_and_opens_again(view: PageView, server: Server) -> None:
    page = view.open("/?q=machine+learning+examples")
    dismiss = page.get_by_role("button", name="Dismiss: Machine learning")
    text = cards(page).first.locator(".text")

    dismiss.click()
    expect(text).to_be_hidden()
    expect(dismiss).to_have_attribute("aria-pressed", "true")
    dismiss.click()
    expect(text).to_be_visible()
    expect(dismiss).to_have_attribute("aria-pressed", "false")

    assert ("machine-learning", "dismiss", 1) in server.feedback()


def test_opening_a_result_is_noted(view: PageView, server: Server) -> None:
    view.page.add_init_script(
        "const ask = fetch; fetch = (url, how) => (outlives = how.keepalive, ask(url, how))"
    )
    page = view.open("/?q=wild+yeast+sourdough")
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


def test_similar_documents_have_an_address(view: PageView) -> None:
    page = view.open("/?q=sourdough")

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


def test_an_empty_question_is_answered_with_advice(view: PageView) -> None:
    page = view.open()

    page.get_by_role("button", name="Search").click()

    expect(page.get_by_role("alert")).to_have_text("The question is empty; type a few words.")
    expect(cards(page)).to_have_count(0)
    ask(page, "bread")
    expect(page.get_by_role("alert")).to_be_empty()


def test_problems_are_explained(view: PageView) -> None:
    page = view.open("/?q=bread")
    expect(cards(page)).not_to_have_count(0)

    box(page).fill("?!")
    box(page).press("Enter")

    alert = page.get_by_role("alert")
    expect(alert).to_have_text("The question has no letters or digits; type a few words.")
    expect(page.locator("#answer")).to_be_hidden()
    page.goto(f"{view.url}/?similar=nothing")
    expect(alert).to_have_text(
        "No such document. There is no document “nothing”; results of /recommend have the ids."
    )
    expected = ["status of 422", "status of 404"]  # Chromium logs this for every failed request
    assert all(part in complaint for part, complaint in zip(expected, view.complaints, strict=True))
    view.complaints.clear()
