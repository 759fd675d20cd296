"""The real service, and a real browser that shows its page."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext

from tests import chromium
from tests.page.page_view import PageView, Server
from tests.page.serving import serving

TRACES = "http://127.0.0.1:9/trace/{trace_id}?q=\"><script>alert(1)</script>&'x=$&$1#{other}"
"""Where traces are shown. Whatever an operator may write, it is only an address."""

browser = chromium.browser


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("data"), TRACES) as server:
        yield server


@pytest.fixture(scope="package")
def context(browser: Browser) -> Iterator[BrowserContext]:
    """Nothing that the page does is kept in it."""
    with chromium.window(browser) as context:
        yield context


@pytest.fixture
def view(context: BrowserContext, server: Server) -> Iterator[PageView]:
    """A fresh page. No test may leave it with a complaint."""
    view = PageView(context.new_page(), server.url)
    view.watch()
    yield view
    assert view.complaints == []
    view.page.close()
