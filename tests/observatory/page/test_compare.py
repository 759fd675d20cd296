"""The Compare view: regions by mouse and keyboard, what they are compared with, groups."""

import re

from playwright.sync_api import Page, expect

from tests.observatory.page.page_view import PageView, settled

REGION = re.compile(r"/compare\?from=\d+&to=\d+&.*base_from=\d+&base_to=\d+")


def heat_map(page: Page) -> tuple[float, float, float, float]:
    settled(page)
    box = page.get_by_role("application", name="Latency heat map").bounding_box()
    assert box is not None
    return box["x"], box["y"], box["width"], box["height"]


def test_a_dragged_region_is_compared_with_the_rest(view: PageView) -> None:
    page = view.open("/compare")
    expect(page.locator(".found")).to_contain_text("Drag over a region")
    x, y, wide, high = heat_map(page)

    page.mouse.move(x + wide * 0.5, y + 5)
    page.mouse.down()
    page.mouse.move(x + wide - 2, y + high * 0.4, steps=4)
    page.mouse.up()

    expect(page).to_have_url(REGION)
    expect(page.locator(".found")).to_contain_text("selected request")
    expect(page.locator(".heat .region")).to_be_visible()
    expect(page.get_by_label("Compared with")).to_have_value("region")
    page.get_by_label("Compared with").select_option("rest")
    expect(page).not_to_have_url(re.compile("base_"))


def test_a_region_by_keyboard(view: PageView) -> None:
    page = view.open("/compare")
    heat_map(page)
    page.get_by_role("application", name="Latency heat map").focus()

    page.keyboard.press("ArrowRight")
    expect(page.locator(".heat .region")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".heat .region")).to_be_hidden()
    page.keyboard.press("ArrowUp")
    for _ in range(2):
        page.keyboard.press("Shift+ArrowRight")
    expect(page.locator("#announcement")).to_contain_text("request")
    page.keyboard.press("Enter")

    expect(page).to_have_url(REGION)
    expect(page.locator(".found")).to_contain_text("to compare")  # nothing was that early


def test_another_base_and_groups(view: PageView) -> None:
    page = view.open("/compare?status=error&last=900")
    settled(page)
    expect(page.locator(".found")).to_contain_text("selected request")

    page.get_by_label("Compared with").select_option("before")
    expect(page).to_have_url(re.compile("base_status=error&base_from="))
    expect(page.get_by_label("Compared with")).to_have_value("before")

    view.open("/compare?by=shop.tier")
    settled(page)
    page.get_by_role("button", name="Compare gold with the others").click()
    expect(page).to_have_url(re.compile("attr=shop.tier%3Dgold"))
    expect(page.locator(".found")).to_contain_text("selected request")
    page.get_by_role("textbox", name="Group by").or_(
        page.get_by_role("combobox", name="Group by")
    ).fill("name")
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Groups")).to_contain_text("GET /")


def test_time_spent_is_drawn_and_listed(view: PageView) -> None:
    page = view.open("/compare?service=shop")
    settled(page)
    expect(page.get_by_role("img", name=re.compile("Slowest 1 %"))).to_be_visible()
    expect(page.get_by_role("region", name="Time by stack")).to_contain_text("Difference")
