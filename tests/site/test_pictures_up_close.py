"""Looking closely at one image, and at several beside each other, in headless Chromium."""

from typing import Any

import pytest

from tests.site.conftest import Site
from tests.site.test_journeys import ask, settled

pytestmark = pytest.mark.browser


def scale(page: Any) -> float:
    """How much larger than fitted the picture of the panel is drawn."""
    return float(
        page.evaluate(
            """() => {
              const image = document.querySelector("#detail .detail-image");
              return image.getBoundingClientRect().width / image.offsetWidth;
            }"""
        )
    )


def left(page: Any) -> float:
    return float(page.locator("#detail .detail-image").bounding_box()["x"])


def test_the_picture_of_the_panel_is_zoomed_and_moved(site: Site, page: Any) -> None:
    page.emulate_media(reduced_motion="reduce")
    ask(page, "chest x-ray")
    settled(page).first.locator(".hit-open").click()
    frame = page.locator("#detail .zoom")
    frame.focus()
    page.keyboard.press("+")
    page.keyboard.press("+")
    assert scale(page) == pytest.approx(2.25)
    before = left(page)
    page.keyboard.press("ArrowLeft")
    assert left(page) == pytest.approx(before + 48)
    page.keyboard.press("0")
    assert scale(page) == 1

    box = frame.bounding_box()
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(*middle)
    page.mouse.wheel(0, -400)
    assert scale(page) == pytest.approx(2)
    before = left(page)
    page.mouse.down()
    page.mouse.move(middle[0] - 30, middle[1])
    page.mouse.up()
    assert left(page) == pytest.approx(before - 30)
    page.mouse.wheel(0, 4000)
    assert scale(page) == 1

    page.locator("#detail").get_by_role("button", name="Zoom in").click()
    assert scale(page) == pytest.approx(1.5)
    page.get_by_role("button", name="Next image").click()
    assert scale(page) == 1
