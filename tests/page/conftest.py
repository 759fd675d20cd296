"""The real service, and a real browser that shows its page."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.page.looking import Server, Shown

HERE = Path(__file__).parent


CHROMIUM = shutil.which("chromium")


ARGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
ARGS += ["--disable-component-update"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data = tmp_path_factory.mktemp("data")
    env = {name: value for name, value in os.environ.items() if not name.startswith("VITRINE_")}
    env |= {"VITRINE_DATA": str(data), "VITRINE_WIKIPEDIA__ENABLED": "false"}
    env |= {"PYTHONPATH": str(HERE.parents[1]), "OMP_NUM_THREADS": "1"}
    with socket.create_server(("127.0.0.1", 0)) as listening:
        number = listening.fileno()
        command = [sys.executable, str(HERE / "page_server.py"), str(number)]
        with subprocess.Popen(command, env=env, pass_fds=[number]) as process:
            yield Server(f"http://127.0.0.1:{listening.getsockname()[1]}", data)
            process.terminate()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        absent = "needs chromium on the PATH"
        if os.environ.get("CI") == "true":
            pytest.fail(absent)
        pytest.skip(absent)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        yield browser
        browser.close()


@pytest.fixture
def shown(browser: Browser, server: Server) -> Iterator[Shown]:
    """A fresh page. No test may leave it with a complaint."""
    with browser.new_context() as context:
        shown = Shown(context.new_page(), server.url)
        shown.watch()
        yield shown
        assert shown.complaints == []
