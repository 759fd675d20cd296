"""What is asked, and what is made of the pages."""

import pytest

from app.composition import user_agent
from app.settings import Settings, WikipediaSettings
from app.wikipedia.client import MAX_QUERY, PAGES
from tests.stand_in import PATH, StandIn, finds, page
from tests.wikipedia.conftest import OpenAsker

pytestmark = pytest.mark.anyio


async def test_the_user_agent_names_program_version_and_contact(
    stand_in: StandIn, open_asker: OpenAsker
) -> None:
    await open_asker(contact="https://example.org/me")("bread")
    sent = stand_in.received[0].headers["user-agent"]
    assert sent == "Vitrine/0.1.0 (https://example.org/me)"


def test_without_a_contact_the_user_agent_says_so() -> None:
    settings = Settings(wikipedia=WikipediaSettings(contact=""))
    assert "contact not configured" in user_agent(settings)


@pytest.mark.parametrize(
    "text", ["stale bread", 'c++ & "x" = 100%?', "café 🍞", "مرحبا بالعالم", "a\nb"]
)
async def test_the_text_arrives_as_it_was_typed(
    stand_in: StandIn, open_asker: OpenAsker, text: str
) -> None:
    await open_asker()(text)
    assert stand_in.received[0].params == {"q": [text], "limit": [str(PAGES)]}


@pytest.mark.parametrize(("bypassed", "calls"), [("", 1), ("wikipedia.test", 0)])
async def test_a_proxy_of_the_environment_is_used(
    stand_in: StandIn,
    open_asker: OpenAsker,
    monkeypatch: pytest.MonkeyPatch,
    bypassed: str,
    calls: int,
) -> None:
    monkeypatch.setenv("http_proxy", stand_in.url.removesuffix(PATH))
    monkeypatch.setenv("no_proxy", bypassed)
    await open_asker(base_url=f"http://wikipedia.test{PATH}")("bread")
    assert stand_in.calls == calls


async def test_a_long_text_is_cut(stand_in: StandIn, open_asker: OpenAsker) -> None:
    await open_asker()("bread " * 100)
    assert stand_in.received[0].params["q"] == [("bread " * 100)[:MAX_QUERY]]


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
    stand_in: StandIn, open_asker: OpenAsker, excerpt: str, summary: str
) -> None:
    stand_in.behaviour = finds(page("Bread", None, excerpt))
    (found,) = (await open_asker()("bread")).pages
    assert found.summary == summary


async def test_description_and_excerpt_make_the_summary(
    stand_in: StandIn, open_asker: OpenAsker
) -> None:
    stand_in.behaviour = finds(page("Bread", "Staple food", "baked " * 1000))
    (found,) = (await open_asker()("bread")).pages
    assert found.summary.startswith("Staple food baked baked")
    assert len(found.summary) == 1000
