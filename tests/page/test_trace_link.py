"""The page links an answer's trace to where it is shown, if the operator has set where."""

from typing import Any

from fastapi import FastAPI
from fastapi.testclient import TestClient
from playwright.sync_api import Locator, expect

from app.api import pages
from app.settings import TelemetrySettings
from tests.page.conftest import TRACES
from tests.page.page_view import PageView, rewrite

NO_TRACES = (
    "../../x",
    "javascript:alert(1)",
    "A" * 32,
    "a" * 31,
    "<b>a</b>",
    f"{'a' * 32}\n",
    "0 x",
)


def trace(view: PageView) -> Locator:
    return view.page.locator("#trace")


def asked(view: PageView, question: str) -> Any:
    """The answer to a question, which the page shows now."""
    with view.page.expect_response("**/recommend?*") as response:
        view.open(f"/?q={question}")
    answer = response.value.json()
    expect(view.page.locator("#recommendation")).to_have_text(answer["recommendation_id"])
    return answer


def test_an_answer_links_to_its_trace(view: PageView) -> None:
    view.page.on("dialog", lambda dialog: view.complaints.append(dialog.message))
    for question in ("bread", "sourdough"):
        identity = asked(view, question)["trace_id"]
        expect(trace(view)).to_have_text(identity)
        expect(trace(view)).to_have_attribute("href", TRACES.replace("{trace_id}", identity))
        expect(view.page.get_by_role("link", name=identity)).to_be_visible()


def test_the_link_leads_there(view: PageView) -> None:
    identity = asked(view, "bread")["trace_id"]
    view.page.route("http://127.0.0.1:9/**", lambda route: route.fulfill(body="a trace"))

    trace(view).click()

    expect(view.page.get_by_text("a trace")).to_be_visible()
    assert view.page.url.startswith(f"http://127.0.0.1:9/trace/{identity}?")
    assert [output.split("?")[0] for output in view.complaints] == [
        f"asked http://127.0.0.1:9/trace/{identity}"
    ]
    view.complaints.clear()


def test_what_is_no_trace_is_only_text(view: PageView) -> None:
    waiting = iter(NO_TRACES)
    rewrite(view.page, lambda answer: answer.update(trace_id=next(waiting)))
    for identity in NO_TRACES:
        asked(view, "bread")
        assert trace(view).text_content() == identity
        assert trace(view).get_attribute("href") is None


def test_an_answer_without_a_trace_shows_none(view: PageView) -> None:
    asked(view, "bread")
    expect(trace(view)).to_be_visible()
    rewrite(view.page, lambda answer: answer.pop("trace_id"))
    asked(view, "sourdough")
    expect(trace(view)).to_be_hidden()
    assert trace(view).get_attribute("href") is None


def test_without_an_address_a_trace_is_only_text(view: PageView) -> None:
    """The page of a service without an address for traces."""
    app = FastAPI()
    pages.install(app, TelemetrySettings())
    plain = TestClient(app).get("/")
    headers = dict(plain.headers)
    view.page.route("**/?q=*", lambda route: route.fulfill(body=plain.content, headers=headers))
    identity = asked(view, "bread")["trace_id"]
    expect(trace(view)).to_have_text(identity)
    assert trace(view).get_attribute("href") is None
