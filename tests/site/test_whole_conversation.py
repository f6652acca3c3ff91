"""
One conversation from the first question to the link that is shared, in headless Chromium: with
the pointer, in a narrow window, without a socket, and with the keys alone.
"""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.site.conftest import Site
from tests.site.test_journeys import ask, settled, turns
from tests.site.test_own_pictures import paste

pytestmark = pytest.mark.browser

SAID = ["show me x-rays", "of the chest", "with an effusion", "more like #2"]


@pytest.fixture
def scan(site: Site) -> Path:
    return sorted((site.folder / "corpora").glob("*.png"))[0]


class Pointer:
    """Clicks; what a narrow window has no room for on a card is in the panel."""

    def __init__(self, page: Any) -> None:
        self.page = page

    def ask(self, words: str) -> None:
        ask(self.page, words)

    def remove_label(self, turn: Any, label: str) -> None:
        turn.get_by_role("button", name=f"Remove {label}").click()

    def on_first_hit(self, name: str, key: str) -> None:
        hit = settled(self.page).first
        hit.hover()
        button = hit.get_by_role("button", name=name)
        if button.is_visible():
            button.click()
            return
        hit.locator(".hit-open").click()
        self.page.locator("#detail").get_by_role("button", name=name).click()

    def press(self, target: Any) -> None:
        target.click()


class Keys(Pointer):
    """Nothing but keys: what the tabulator does not reach cannot be used."""

    def ask(self, words: str) -> None:
        self.page.keyboard.press("Escape")
        if not self.has_focus(self.page.locator("#words")):
            self.page.keyboard.press("/")
        self.page.keyboard.type(words)
        self.page.keyboard.press("Enter")

    def remove_label(self, turn: Any, label: str) -> None:
        self.go_to(turn.locator(".chip-label", has_text=re.compile(f"^{label}$")))
        self.page.keyboard.press("Delete")

    def on_first_hit(self, name: str, key: str) -> None:
        self.go_to(settled(self.page).first.locator(".hit-open"))
        self.page.keyboard.press("ArrowRight")
        self.page.keyboard.press("ArrowLeft")
        self.page.keyboard.press(key)

    def press(self, target: Any) -> None:
        self.go_to(target)
        self.page.keyboard.press("Enter")

    def go_to(self, target: Any) -> None:
        """By the tabulator, from wherever the focus is, round the page once at most."""
        target.wait_for()
        for _ in range(200):
            if self.has_focus(target):
                return
            self.page.keyboard.press("Tab")
        pytest.fail(f"the tabulator does not reach {target}")

    @staticmethod
    def has_focus(target: Any) -> bool:
        return bool(target.evaluate("(element) => element === document.activeElement"))


@pytest.mark.parametrize("way", ["pointer", "360 pixels", "no socket", "keys"])
def test_a_conversation_is_led_saved_reopened_branched_and_shared(
    site: Site, page: Any, scan: Path, way: str
) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    hand = Keys(page) if way == "keys" else Pointer(page)
    if way == "360 pixels":
        page.set_viewport_size({"width": 360, "height": 740})
    if way == "no socket":
        page.route_web_socket("**/ws/search/", lambda socket: socket.close())
        page.goto(site.address)

    for number, words in enumerate(SAID, start=1):
        hand.ask(words)
        turn = turns(page, number)
    assert turn.locator(".chip-image").count() == 1
    hand.remove_label(turn, "Chest")
    turn = turns(page, 5)
    labels = turn.locator(".chip-label").all_inner_texts()
    assert "X-ray" in labels
    assert "Chest" not in labels

    paste(page, scan)
    turn = turns(page, 6)
    assert turn.locator(".chip-image").count() == 2
    hand.on_first_hit("More like this", "m")
    turn = turns(page, 7)
    assert turn.locator(".chip-image").count() == 3
    hand.on_first_hit("Less like this", "l")
    turn = turns(page, 8)
    assert turn.locator(".chip-image").count() == 4

    name = f"By {way}"
    hand.press(page.locator("#save summary"))
    page.locator("#save-name:focus").wait_for()
    page.keyboard.press("Control+A")
    page.keyboard.type(name)
    page.keyboard.press("Enter")
    saved = f"SELECT name FROM clipsite_search_savedsearch WHERE name = '{name}'"
    site.wait_for(saved, lambda found: found == name, 10)
    hand.press(page.get_by_role("link", name="Saved", exact=True))
    page.wait_for_url(f"{site.address}/saved/")
    hand.press(page.get_by_role("link", name=name).first)
    page.wait_for_url(re.compile(r"/search\?saved=\d+"))
    assert page.locator("#results .hit[data-image-id]").count() > 0

    hand.press(page.get_by_role("button", name="Continue from here").last)
    page.wait_for_url(re.compile(r"/c/\d+/$"))
    turns(page, 1)
    hand.press(page.get_by_role("button", name="Copy link"))
    page.locator("#link", has_text="Your own pictures are not part of the link.").wait_for()
    page.goto(page.evaluate("navigator.clipboard.readText()"))
    assert page.locator("#results .hit[data-image-id]").count() > 0
    assert page.locator("#thread .chip-image").count() == 3
