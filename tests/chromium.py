"""A real browser for tests of pages: a package's conftest says `browser = chromium.browser`.

It is started once for all tests of a package, as starting it costs as much as several tests, and
ends with the package, as Playwright keeps an event loop in this thread, which tests of coroutines
must not find there.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.waiting import TIMEOUT

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
CHROMIUM = shutil.which("chromium")
ARGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
ARGS += ["--disable-component-update"]


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        absent = "needs chromium on the PATH"
        if os.environ.get("CI") == "true":
            pytest.fail(absent)
        pytest.skip(absent)
    expect.set_options(timeout=TIMEOUT * 1000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=ARGS, timeout=TIMEOUT * 1000
        )
        yield browser
        browser.close()


@contextmanager
def window(browser: Browser, **options: Any) -> Iterator[BrowserContext]:
    """A context; its empty page keeps the window open, so that others open in half the time."""
    with browser.new_context(**options) as context:
        context.set_default_timeout(TIMEOUT * 1000)
        context.new_page()
        yield context


def inaccessible(page: Page) -> list[str]:
    """What axe-core finds serious or critical: the rule and the first place."""
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [
        f"{each['id']}: {each['nodes'][0]['target']}, {len(each['nodes'])} in all"
        for each in found
        if each["impact"] in ("serious", "critical")
    ]
