"""An order takes the place of one that was seen: how many moved is said, in headless Chromium."""

import json
from typing import Any

import pytest

from tests.site.conftest import Site
from tests.site.test_journeys import ask, settled

pytestmark = pytest.mark.browser


class HeldBack:
    """Answers of the server of which the final order waits until it is let go."""

    def __init__(self, page: Any) -> None:
        self.orders: dict[str, list[int]] = {}
        self._waiting: list[Any] = []
        self._is_open = False
        page.route_web_socket("**/ws/search/", self._stand_between)

    def _stand_between(self, browser: Any) -> None:
        server = browser.connect_to_server()
        self._browser = browser
        server.on_message(self._pass_on)

    def _pass_on(self, text: str) -> None:
        frame = json.loads(text)
        if frame["type"] == "ack":
            self._is_open = False
        if frame["type"] == "hits":
            self.orders[frame["data"]["leg"]] = [h["image_id"] for h in frame["data"]["hits"]]
        is_final = frame["type"] == "hits" and frame["data"]["leg"] == "fused"
        if not self._is_open and (is_final or self._waiting):
            self._waiting.append(text)
        else:
            self._browser.send(text)

    def let_go(self) -> None:
        self._is_open = True
        for text in self._waiting:
            self._browser.send(text)
        self._waiting.clear()

    def told(self) -> str:
        """What has changed, in the words of the page."""
        seen, final = self.orders["lexical"], self.orders["fused"]
        new = len(set(final) - set(seen))
        moved = sum(image in seen and seen.index(image) != at for at, image in enumerate(final))
        assert moved > 1, (seen, final)
        assert new > 0, (seen, final)
        return f"{moved} results moved, {new} new"


@pytest.fixture
def held(site: Site, page: Any) -> HeldBack:
    between = HeldBack(page)
    page.goto(site.address)
    return between


def seen_by_words(page: Any) -> Any:
    page.wait_for_selector("#results .grid.is-leg:not(.is-stale) .hit[data-image-id]")
    page.wait_for_timeout(200)  # the final order has come too and waits
    return page.locator("#results .hit[data-image-id]")


def height_of_the_lines(page: Any) -> list[float]:
    lines = page.locator("#stage-head, .stage-line, .turn.is-current").all()
    return [line.bounding_box()["height"] for line in lines]


@pytest.mark.parametrize("width", [1280, 360])
def test_a_new_order_says_how_many_moved_until_the_next_question(
    held: HeldBack, page: Any, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    ask(page, "fatty liver on ultrasound")
    seen_by_words(page)
    assert page.get_by_text("moved").count() == 0
    held.let_go()
    settled(page)
    told = held.told()
    sentence = page.locator(".moved:visible")
    assert sentence.inner_text() == told
    assert sentence.evaluate("(one) => 0 < one.clientWidth && one.scrollWidth <= one.clientWidth")
    announced = page.locator("#announcer").text_content()
    assert announced.startswith(f"{told}. ")
    assert announced.count("moved") == 1
    with_it = height_of_the_lines(page)
    page.locator(".moved").evaluate_all("(told) => told.forEach((one) => (one.textContent = ''))")
    assert height_of_the_lines(page) == with_it
    ask(page, "knee")
    assert page.locator(".moved:visible").all_inner_texts() in ([], [""])


def test_a_held_order_says_it_when_it_is_shown(held: HeldBack, page: Any) -> None:
    ask(page, "fatty liver on ultrasound")
    seen_by_words(page).first.hover()
    page.mouse.move(600, 420)
    held.let_go()
    page.locator("#new-order").wait_for()
    assert page.get_by_text("moved").count() == 0
    page.locator("#new-order").click()
    assert page.locator(".moved:visible").inner_text() == held.told()
    assert page.locator("#announcer").text_content() == held.told()


def test_with_reduced_motion_nothing_glides_and_it_is_said(held: HeldBack, page: Any) -> None:
    page.emulate_media(reduced_motion="reduce")
    page.evaluate("""() => {
        window.glides = 0;
        const animate = Element.prototype.animate;
        Element.prototype.animate = function (...how) {
            window.glides += 1;
            return animate.apply(this, how);
        };
    }""")
    ask(page, "fatty liver on ultrasound")
    seen_by_words(page)
    held.let_go()
    settled(page)
    assert page.locator(".moved:visible").inner_text() == held.told()
    assert page.evaluate("window.glides") == 0
