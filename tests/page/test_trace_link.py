"""The page links an answer's trace to where it is shown, if the operator has said where."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.page.conftest import HERE
from tests.page.looking import Server, Shown, rewrite

TRACES = "http://127.0.0.1:9/trace/{trace_id}?q=\"><script>alert(1)</script>&'x=$&$1#{other}"
"""Whatever an operator may write, it is only an address."""


@contextmanager
def serving(data: Path, trace_url: str) -> Iterator[Server]:
    """The service with this setting."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("VITRINE_")}
    env |= {"VITRINE_DATA": str(data), "VITRINE_WIKIPEDIA__ENABLED": "false"}
    env |= {"VITRINE_TELEMETRY__TRACE_URL": trace_url}
    env |= {"PYTHONPATH": str(HERE.parents[1]), "OMP_NUM_THREADS": "1"}
    with socket.create_server(("127.0.0.1", 0)) as listening:
        number = listening.fileno()
        command = [sys.executable, str(HERE / "page_server.py"), str(number)]
        with subprocess.Popen(command, env=env, pass_fds=[number]) as process:
            yield Server(f"http://127.0.0.1:{listening.getsockname()[1]}", data)
            process.terminate()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("data"), TRACES) as server:
        yield server


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
    shown.page.context.route("http://127.0.0.1:9/**", lambda route: route.fulfill(body="a trace"))

    trace(shown).click()

    expect(shown.page.get_by_text("a trace")).to_be_visible()
    assert shown.page.url.startswith(f"http://127.0.0.1:9/trace/{identity}?")
    assert [said.split("?")[0] for said in shown.complaints] == [
        f"asked http://127.0.0.1:9/trace/{identity}"
    ]
    shown.complaints.clear()


@pytest.mark.parametrize(
    "identity",
    ["../../x", "javascript:alert(1)", "A" * 32, "a" * 31, "<b>a</b>", f"{'a' * 32}\n", "0 x"],
)
def test_what_is_no_trace_is_only_text(shown: Shown, identity: str) -> None:
    rewrite(shown.page, lambda answer: answer.update(trace_id=identity))
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


def test_without_an_address_a_trace_is_only_text(browser: Browser, tmp_path: Path) -> None:
    with serving(tmp_path, "") as server, browser.new_context() as context:
        shown = Shown(context.new_page(), server.url)
        shown.watch()
        identity = asked(shown, "bread")["trace_id"]
        expect(trace(shown)).to_have_text(identity)
        assert trace(shown).get_attribute("href") is None
        assert shown.complaints == []
