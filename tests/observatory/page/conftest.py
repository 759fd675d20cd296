"""The real observatory with hand-made telemetry in it, and a real browser that shows its page."""

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext

from tests import chromium
from tests.observatory import model_telemetry
from tests.observatory.observatory_process import Observatory
from tests.observatory.page import shop_telemetry
from tests.observatory.page.page_view import PageView
from tests.observatory.registry_service import RegistryService
from tests.waiting import until

browser = chromium.browser
MODELS = "models"


@pytest.fixture(scope="module")  # pages show the last 15 minutes; all of them may last longer
def observatory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Observatory]:
    """Holds `shop_telemetry.everything`; tests add traces of services of their own. Its service
    has the versions of `registry_service`."""
    folder = tmp_path_factory.mktemp("observatory")
    with RegistryService() as service, Observatory(folder, service=service.address) as running:
        shop_telemetry.everything(running)
        until(lambda: _counted(running) == shop_telemetry.SPANS)
        yield running


@pytest.fixture(scope="module")
def models(observatory: Observatory) -> str:
    """The name of a service whose model drifts, with a challenger in the shadow."""
    model_telemetry.send(observatory, MODELS)
    return MODELS


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
def view(context: BrowserContext, observatory: Observatory) -> Iterator[PageView]:
    """A fresh page. No test may leave it with a complaint."""
    view = PageView(context.new_page(), observatory)
    view.watch()
    yield view
    assert view.complaints == []
    assert view.page.evaluate("window.harmed") is None
    view.page.evaluate("localStorage.clear()")
    view.page.close()
