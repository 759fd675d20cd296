"""The request, and what is read from the pages."""

import pytest

from app.composition import user_agent
from app.settings import Settings, WikipediaSettings
from app.wikipedia.client import MAX_QUERY, PAGES
from tests.fake_wikipedia import PATH, FakeWikipedia, finds, page
from tests.wikipedia.conftest import OpenSignal

pytestmark = pytest.mark.anyio


async def test_the_user_agent_names_program_version_and_contact(
    wikipedia: FakeWikipedia, open_signal: OpenSignal
) -> None:
    await open_signal(contact="https://example.org/me")("bread")
    sent = wikipedia.received[0].headers["user-agent"]
    assert sent == "Vitrine/0.1.0 (https://example.org/me)"


def test_without_a_contact_the_user_agent_says_so() -> None:
    settings = Settings(wikipedia=WikipediaSettings(contact=""))
    assert "contact not configured" in user_agent(settings)


@pytest.mark.parametrize(
    "text", ["stale bread", 'c++ & "x" = 100%?', "café 🍞", "مرحبا بالعالم", "a\nb"]
)
async def test_the_text_arrives_as_it_was_typed(
    wikipedia: FakeWikipedia, open_signal: OpenSignal, text: str
) -> None:
    await open_signal()(text)
    assert wikipedia.received[0].params == {"q": [text], "limit": [str(PAGES)]}


@pytest.mark.parametrize(("bypassed", "calls"), [("", 1), ("wikipedia.test", 0)])
async def test_a_proxy_of_the_environment_is_used(
    wikipedia: FakeWikipedia,
    open_signal: OpenSignal,
    monkeypatch: pytest.MonkeyPatch,
    bypassed: str,
    calls: int,
) -> None:
    monkeypatch.setenv("http_proxy", wikipedia.url.removesuffix(PATH))
    monkeypatch.setenv("no_proxy", bypassed)
    await open_signal(base_url=f"http://wikipedia.test{PATH}")("bread")
    assert wikipedia.calls == calls


async def test_a_long_text_is_cut(wikipedia: FakeWikipedia, open_signal: OpenSignal) -> None:
    await open_signal()("bread " * 100)
    assert wikipedia.received[0].params["q"] == [("bread " * 100)[:MAX_QUERY]]


@pytest.mark.parametrize(
    ("excerpt", "summary"),
    [
        ('<span class="searchmatch">Bread</span> is baked', "Bread is baked"),
        ("salt &amp; yeast &lt;flour&gt;", "salt & yeast <flour>"),
        ("<b>nested <i>tags</i></b>", "nested tags"),
        ("", ""),
    ],
)
async def test_excerpts_are_freed_of_html(
    wikipedia: FakeWikipedia, open_signal: OpenSignal, excerpt: str, summary: str
) -> None:
    wikipedia.behaviour = finds(page("Bread", None, excerpt))
    (found,) = (await open_signal()("bread")).pages
    assert found.summary == summary


async def test_description_and_excerpt_make_the_summary(
    wikipedia: FakeWikipedia, open_signal: OpenSignal
) -> None:
    wikipedia.behaviour = finds(page("Bread", "Staple food", "baked " * 1000))
    (found,) = (await open_signal()("bread")).pages
    assert found.summary.startswith("Staple food baked baked")
    assert len(found.summary) == 1000
