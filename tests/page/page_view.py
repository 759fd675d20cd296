"""What tests of the page share: what is shown, and how to look at it."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, Route, expect


@dataclass(frozen=True)
class Server:
    url: str
    data: Path

    def feedback(self) -> list[tuple[str, str, int]]:
        with closing(sqlite3.connect(self.data / "journal.db")) as journal:
            return journal.execute("SELECT document, kind, rank FROM feedback").fetchall()


@dataclass
class PageView:
    """A page, and everything it did that it should not do."""

    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)

    def open(self, path: str = "/") -> Page:
        self.page.goto(self.url + path)
        return self.page

    def watch(self) -> None:
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self._same_origin(request.url))
        self.page.on(
            "console",
            lambda message: (
                self.complaints.append(message.text) if message.type == "error" else None
            ),
        )

    def _same_origin(self, url: str) -> None:
        if not url.startswith(f"{self.url}/"):
            self.complaints.append(f"asked {url}")


def box(page: Page) -> Locator:
    return page.get_by_role("searchbox", name="What would you like to know?")


def cards(page: Page) -> Locator:
    return page.locator("#results > li")


def ask(page: Page, question: str) -> None:
    box(page).fill(question)
    box(page).press("Enter")
    expect(page.get_by_role("heading", level=2)).to_have_text(f"Results for “{question}”")


def number(text: str | None) -> float:
    assert text is not None
    return float(text.replace("−", "-"))


def rewrite(page: Page, change: Callable[[dict[str, Any]], None]) -> None:
    """Let the page get recommendations that were changed on the way."""

    def changed(route: Route) -> None:
        response = route.fetch()
        answer = response.json()
        change(answer)
        route.fulfill(response=response, body=json.dumps(answer))

    page.route("**/recommend?*", changed)
