"""The real observatory with hand-made telemetry in it, and a real browser that shows its page."""

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext

from tests import chromium
from tests.observatory.observing import Observatory
from tests.observatory.page import telling
from tests.observatory.page.looking import Shown
from tests.waiting import until

browser = chromium.browser


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Observatory]:
    """Holds `telling.everything`; tests add traces of services that no other test looks at."""
    with Observatory(tmp_path_factory.mktemp("observatory")) as running:
        telling.everything(running)
        until(lambda: _counted(running) == telling.SPANS)
        yield running


def _counted(running: Observatory) -> int:
    stored: int = httpx.get(f"{running.page}/api/status").json()["stored"]["spans"]
    return stored


@pytest.fixture(scope="package")
def context(browser: Browser) -> Iterator[BrowserContext]:
    """Keeps the page's files for all tests, as a browser would."""
    with chromium.window(browser, viewport={"width": 1280, "height": 800}) as context:
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        yield context


@pytest.fixture
def shown(context: BrowserContext, told: Observatory) -> Iterator[Shown]:
    """A fresh page. No test may leave it with a complaint."""
    shown = Shown(context.new_page(), told)
    shown.watch()
    yield shown
    assert shown.complaints == []
    assert shown.page.evaluate("window.harmed") is None
    shown.page.evaluate("localStorage.clear()")
    shown.page.close()
