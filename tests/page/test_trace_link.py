"""The page links an answer's trace to where it is shown, if the operator has said where."""

from typing import Any

from fastapi import FastAPI
from fastapi.testclient import TestClient
from playwright.sync_api import Locator, expect

from app.api import pages
from app.settings import TelemetrySettings
from tests.page.conftest import TRACES
from tests.page.looking import Shown, rewrite

NO_TRACES = (
    "../../x",
    "javascript:alert(1)",
    "A" * 32,
    "a" * 31,
    "<b>a</b>",
    f"{'a' * 32}\n",
    "0 x",
)


def trace(shown: Shown) -> Locator:
    return shown.page.locator("#trace")


def asked(shown: Shown, question: str) -> Any:
    """The answer to a question, which the page shows now."""
    with shown.page.expect_response("**/recommend?*") as response:
        shown.open(f"/?q={question}")
    answer = response.value.json()
    expect(shown.page.locator("#recommendation")).to_have_text(answer["recommendation_id"])
    return answer


def test_an_answer_links_to_its_trace(shown: Shown) -> None:
    shown.page.on("dialog", lambda dialog: shown.complaints.append(dialog.message))
    for question in ("bread", "sourdough"):
        identity = asked(shown, question)["trace_id"]
        expect(trace(shown)).to_have_text(identity)
        expect(trace(shown)).to_have_attribute("href", TRACES.replace("{trace_id}", identity))
        expect(shown.page.get_by_role("link", name=identity)).to_be_visible()


def test_the_link_leads_there(shown: Shown) -> None:
    identity = asked(shown, "bread")["trace_id"]
    shown.page.route("http://127.0.0.1:9/**", lambda route: route.fulfill(body="a trace"))

    trace(shown).click()

    expect(shown.page.get_by_text("a trace")).to_be_visible()
    assert shown.page.url.startswith(f"http://127.0.0.1:9/trace/{identity}?")
    assert [said.split("?")[0] for said in shown.complaints] == [
        f"asked http://127.0.0.1:9/trace/{identity}"
    ]
    shown.complaints.clear()


def test_what_is_no_trace_is_only_text(shown: Shown) -> None:
    waiting = iter(NO_TRACES)
    rewrite(shown.page, lambda answer: answer.update(trace_id=next(waiting)))
    for identity in NO_TRACES:
        asked(shown, "bread")
        assert trace(shown).text_content() == identity
        assert trace(shown).get_attribute("href") is None


def test_an_answer_without_a_trace_shows_none(shown: Shown) -> None:
    asked(shown, "bread")
    expect(trace(shown)).to_be_visible()
    rewrite(shown.page, lambda answer: answer.pop("trace_id"))
    asked(shown, "sourdough")
    expect(trace(shown)).to_be_hidden()
    assert trace(shown).get_attribute("href") is None


def test_without_an_address_a_trace_is_only_text(shown: Shown) -> None:
    """The page as a service sends it that was told none."""
    app = FastAPI()
    pages.install(app, TelemetrySettings())
    plain = TestClient(app).get("/")
    headers = dict(plain.headers)
    shown.page.route("**/?q=*", lambda route: route.fulfill(body=plain.content, headers=headers))
    identity = asked(shown, "bread")["trace_id"]
    expect(trace(shown)).to_have_text(identity)
    assert trace(shown).get_attribute("href") is None
