"""What tests of the page share: what is shown, and how to look at it."""

from dataclasses import dataclass, field

from playwright.sync_api import ConsoleMessage, Locator, Page, expect

from tests.observatory.observatory_process import Observatory
from tests.observatory.page import shop_telemetry


@dataclass
class PageView:
    """A page, and everything it did that it should not do."""

    page: Page
    observatory: Observatory
    expected: tuple[str, ...] = ()
    """Parts of what the browser may say about answers that a test asks for."""
    complaints: list[str] = field(default_factory=list)

    def open(self, path: str = "/traces") -> Page:
        self.page.goto(self.observatory.page + path)
        return self.page

    def trace(self, trace: str, query: str = "") -> Page:
        """Open a trace, with its waterfall there."""
        page = self.open(f"/trace/{trace}{query}")
        expect(page.get_by_role("treegrid")).to_be_attached()
        return page

    def watch(self) -> None:
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: self.complaints.append(dialog.message))
        self.page.on("request", lambda request: self._same_origin(request.url))
        self.page.on("console", self._told)

    def _told(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not any(part in message.text for part in self.expected):
            self.complaints.append(message.text)

    def _same_origin(self, url: str) -> None:
        if not url.startswith(f"{self.observatory.page}/"):
            self.complaints.append(f"asked {url}")


def settled(page: Page) -> None:
    """The view and the footer have loaded."""
    expect(page.locator("#stored")).to_contain_text("spans")
    expect(page.locator(".view[aria-busy=false]")).to_be_attached()
    expect(page.locator("[aria-busy=true]")).to_have_count(0)


def traces(page: Page) -> Locator:
    """Rows of the list."""
    return page.locator(".entry")


def spans(page: Page) -> Locator:
    """Rows of the waterfall that are drawn."""
    return page.get_by_role("treegrid").locator("[data-place]")


def row(page: Page, name: str) -> Locator:
    """The span with this name in the waterfall."""
    return spans(page).filter(has=page.get_by_text(name, exact=True))


def option(page: Page, name: str = "") -> Locator:
    """What is suggested while one types a filter."""
    return page.get_by_role("listbox", name="Suggestions").get_by_role("option", name=name)


def panel(page: Page) -> Locator:
    return page.get_by_role("complementary", name="Span details")


def section(page: Page, title: str) -> Locator:
    """A part of the span's details."""
    return panel(page).locator("section").filter(has=page.get_by_role("heading", name=title))


def logs(page: Page) -> Locator:
    """Lines of the view of logs."""
    return page.locator(".view > .list .log")


def only_shop(query: str = "") -> str:
    """The address of the list without traces that other tests add."""
    return f"/traces?service=shop{query}"


def share_of_track(piece: Locator) -> tuple[float, float]:
    """Its start and end on its span's track, as fractions of the trace."""
    mine, track = piece.bounding_box(), piece.locator("xpath=..").bounding_box()
    assert mine is not None
    assert track is not None
    start = (mine["x"] - track["x"]) / track["width"]
    return start, start + mine["width"] / track["width"]


NEWEST_FIRST = ["/import", "/orders", "/carts", "/orders"]
"""Routes of the traces of the shop."""
HOSTILE = f"/trace/{shop_telemetry.HOSTILE}"
