"""Takes the pictures of the documents: `make pictures` (needs Chromium; some twenty minutes).

Runs the service beside the observatory on free ports, with a stand-in for Wikipedia, asks questions
and photographs the pages into docs/pictures/*.png: light theme, 1000 pixels wide. Then it makes the
faults of the walks, one after another, for pictures of Diagnose.
"""

import itertools
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
from playwright.sync_api import FloatRect, Page, expect, sync_playwright

from app.model.judged import seed_queries

PICTURES = Path(__file__).parent / "pictures"
QUESTION = "keep bread from going stale"
QUESTIONS, AT_ONCE = [each.text for each in seed_queries("tune")], 5
PAGES = [
    {"title": "Staling", "description": "Process that reduces the palatability of bread"},
    {"title": "Bread", "description": "Food made of flour and water"},
    {"title": "Food preservation", "description": "Inhibition of microbial growth in food"},
]
HEALTHY_SECONDS, FAULT_SECONDS, SEARCH_SECONDS, PATIENCE = 180, 75, 0.06, 180
PLOT = ".u-over"
VIEWS = (
    ("", PLOT, "health", 760),
    ("model?last=300", PLOT, "model", 760),
    ("charts?last=300", PLOT, "charts", 700),
    ("sql?report=red_per_route", "table td", "report", 640),
)
"""Of the observatory: path, what is there when it has loaded, name and height of the picture."""
WALKS = {
    "wikipedia-empty": "silent-error",
    "missing-index": "slow-statement",
    "model-raises": "one-category",
    "loop-blocked": "event-loop",
    "threads-exhausted": "at-the-limit",
}
"""Faults, and the walks about them (docs/incidents)."""
TOKEN = "practise-practise"
WIDTH, HEIGHT = 1000, 900
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
ARGUMENTS += ["--disable-component-update"]


class Search(BaseHTTPRequestHandler):
    """Wikipedia's search API, as far as the service calls it."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        time.sleep(SEARCH_SECONDS)  # about what the real one takes
        body = json.dumps({"pages": PAGES}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """No access log."""


@contextmanager
def wikipedia() -> Iterator[str]:
    """The address of a search API."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Search) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/w/rest.php/v1/search/page"
        server.shutdown()


@contextmanager
def service(data: Path, search: str) -> Iterator[str]:
    """The service beside an observatory, as `make run` starts them; yields its address."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    environment = {
        **{f"OBSERVATORY_{each}_PORT": "0" for each in ("PAGE", "GRPC", "HTTP", "CLICKHOUSE")},
        "OBSERVATORY_DATA": str(data / "observatory"),
        "VITRINE_DATA": str(data / "service"),
        "VITRINE_SERVER__PORT": str(port),
        "VITRINE_WIKIPEDIA__BASE_URL": search,
        "VITRINE_WATCH__SHADOW_SHARE": "1",
        "VITRINE_FAULTS__ALLOWED": "true",
        "VITRINE_TOKEN": TOKEN,
        "OTEL_METRIC_EXPORT_INTERVAL": "2000",
    }
    silent = os.environ | environment | {"VITRINE_TELEMETRY__ENABLED": "false"}
    for each in ("prepare", "train"):  # a challenger for the shadow
        subprocess.run([sys.executable, "-m", "app", each], env=silent, check=True)
    command = [sys.executable, "-m", "observatory", "beside", "--"]
    command += [sys.executable, "-m", "app", "serve"]
    with subprocess.Popen(
        command, env=os.environ | environment, stdout=subprocess.DEVNULL
    ) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            until(lambda: succeeds(f"{url}/readyz"), "the service did not start")
            yield url
        finally:
            process.terminate()


def succeeds(url: str) -> bool:
    """Whether there is something at an address."""
    try:
        return httpx.get(url).is_success
    except httpx.TransportError:
        return False


def until(condition: Callable[[], bool], problem: str) -> None:
    """Wait for a condition, for a while."""
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(problem)
        time.sleep(0.2)


def traffic(url: str, seconds: float) -> None:
    """Requests for the charts: new answers, cached ones, and a few errors."""
    end, numbers = time.monotonic() + seconds, itertools.count(int(time.time()))
    with httpx.Client(base_url=url, timeout=PATIENCE) as client:
        while time.monotonic() < end:
            number = next(numbers)
            for question in random.choices(QUESTIONS, k=AT_ONCE):
                asked = f"{question} {number}" if number % 3 else question
                client.get("/recommend", params={"q": asked, "limit": 5})
            client.get("/documents/staling/similar")
            if number % 7 == 0:
                client.get("/documents/no-such-document")
            time.sleep(1)


def walk(page: Page, url: str, observatory: str, fault: str) -> None:
    """Make a fault, and photograph what Diagnose says of it."""
    how, headers = {"duration_seconds": FAULT_SECONDS}, {"Authorization": f"Bearer {TOKEN}"}
    httpx.put(f"{url}/faults/{fault}", json=how, headers=headers).raise_for_status()
    traffic(url, FAULT_SECONDS)
    page.goto(f"{observatory}/diagnose?last={FAULT_SECONDS}&baseline={HEALTHY_SECONDS // 2}")
    page.locator(".suspects > li").first.wait_for()
    save(page, WALKS[fault], 640)


def photograph(page: Page, url: str) -> str:
    """The page of an answer, the trace behind it, health, model, charts and a report; returns the
    address of the observatory."""
    page.goto(f"{url}/?q={QUESTION.replace(' ', '+')}&limit=3")
    legend = page.locator("#results .legend").first
    legend.wait_for()
    page.evaluate("document.activeElement.blur()")
    below = legend.bounding_box()
    assert below is not None, "the first result has no legend"
    save(page, "answer", below["y"] + below["height"] + 8)
    trace = page.locator("#trace").get_attribute("href")
    assert trace is not None, "the answer has no link to its trace"
    observatory = trace.partition("/trace/")[0]
    until(lambda: succeeds(trace.replace("/trace/", "/api/traces/")), "the trace did not arrive")
    page.goto(trace)
    page.get_by_text("rank candidates").first.wait_for()
    save(page, "trace", 620)
    for path, ready, name, height in VIEWS:
        page.goto(f"{observatory}/{path}")
        page.locator(ready).first.wait_for()
        save(page, name, height)
    return observatory


def save(page: Page, name: str, height: float) -> None:
    """The upper part of the page, once it has its data."""
    expect(page.locator("[aria-busy=true]")).to_have_count(0)
    clip: FloatRect = {"x": 0, "y": 0, "width": WIDTH, "height": height}
    page.screenshot(path=PICTURES / f"{name}.png", clip=clip, animations="disabled", full_page=True)


def main() -> None:
    """Take them all."""
    PICTURES.mkdir(exist_ok=True)
    chromium = shutil.which("chromium")
    if chromium is None:
        raise SystemExit("No chromium on the PATH.")
    with (
        tempfile.TemporaryDirectory() as folder,
        wikipedia() as search,
        service(Path(folder), search) as url,
        sync_playwright() as playwright,
    ):
        traffic(url, HEALTHY_SECONDS)
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
        page.set_default_timeout(PATIENCE * 1000)
        expect.set_options(timeout=PATIENCE * 1000)
        observatory = photograph(page, url)
        for fault in WALKS:
            walk(page, url, observatory, fault)
            traffic(url, HEALTHY_SECONDS)
        browser.close()
    for each in sorted(PICTURES.glob("*.png")):
        sys.stdout.write(f"{each.name}: {each.stat().st_size / 1000:.0f} kB\n")


if __name__ == "__main__":
    main()
