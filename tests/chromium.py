"""A real browser for tests of pages: a package's conftest says `browser = chromium.browser`.

It is started once for all tests of a package, as starting it costs as much as several tests, and
ends with the package, as Playwright keeps an event loop in this thread, which tests of coroutines
must not find there.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright

from tests.waiting import TIMEOUT

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
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        yield browser
        browser.close()


@contextmanager
def window(browser: Browser, **options: Any) -> Iterator[BrowserContext]:
    """A context whose pages open in half the time: an empty one keeps the window open."""
    with browser.new_context(**options) as context:
        context.new_page()
        yield context
