"""The real observatory with hand-made telemetry in it, and a real browser that shows its page."""

import os
import shutil
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright

from tests.observatory.observing import Observatory
from tests.observatory.page import telling
from tests.observatory.page.looking import Shown
from tests.waiting import PATIENCE, until

CHROMIUM = shutil.which("chromium")
ARGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
ARGS += ["--disable-component-update"]


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


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        absent = "needs chromium on the PATH"
        if os.environ.get("CI") == "true":
            pytest.fail(absent)
        pytest.skip(absent)
    expect.set_options(timeout=PATIENCE * 1000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def context(browser: Browser) -> Iterator[BrowserContext]:
    """Keeps the page's files for all tests of a module, as a browser would."""
    with browser.new_context(viewport={"width": 1280, "height": 800}) as context:
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
