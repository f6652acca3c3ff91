"""Searching by pictures of one's own, in headless Chromium on the running product."""

import base64
from pathlib import Path
from typing import Any

import pytest

from tests.site.conftest import Site
from tests.site.test_journeys import ask, turns

pytestmark = pytest.mark.browser

PASTE = """async (data) => {
  const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
  await navigator.clipboard.write([new ClipboardItem({ "image/png": new Blob([bytes], { type: "image/png" }) })]);
}"""  # noqa: E501
DROP = """([data, type]) => {
  const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File([bytes], "Mrs Example.png", { type }));
  const send = (name) => document.querySelector("#main").dispatchEvent(
    new DragEvent(name, { dataTransfer, bubbles: true, cancelable: true }));
  send("dragover");
  const saysSo = document.querySelector(".drop-note").offsetParent !== null;
  send("drop");
  return saysSo;
}"""


@pytest.fixture
def scan(site: Site) -> Path:
    return sorted((site.folder / "corpora").glob("*.png"))[0]


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def paste(page: Any, picture: Path) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.evaluate(PASTE, encoded(picture.read_bytes()))
    page.locator("#words").focus()
    page.keyboard.press("Control+V")


def first_hit(page: Any) -> str:
    return str(page.locator("#results .hit[data-image-id]").first.get_attribute("data-image-id"))


def test_a_pasted_picture_searches_is_weighed_by_keyboard_and_removed(
    site: Site, page: Any, scan: Path
) -> None:
    paste(page, scan)
    turn = turns(page, 1)
    chip = turn.locator(".chip-image")
    assert chip.locator(".chip-label").inner_text() == "Like your picture"
    shown = "document.querySelector('.is-current .chip-thumb').naturalWidth > 0"
    page.wait_for_function(shown)
    name = scan.stem.replace("'", "''")
    row = f"SELECT id FROM clipsite_ingest_image WHERE external_id = '{name}'"
    assert first_hit(page) == str(site.rows(row)[0][0])

    less = turn.get_by_role("button", name="Less of “Like your picture”")
    less.focus()
    for count, weight in ((2, "×0.5"), (3, "−0.5")):
        page.keyboard.press("Enter")
        turn = turns(page, count)
        assert turn.locator(".chip-image .chip-weight").inner_text() == weight
        assert page.evaluate("document.activeElement.classList.contains('chip-less')")
    assert turn.locator(".chip-image .chip-label").inner_text() == "Unlike your picture"
    assert first_hit(page) != str(site.rows(row)[0][0])

    ask(page, "chest x-ray")
    turn = turns(page, 4)
    assert turn.locator(".chip-image").count() == 1
    assert turn.locator(".chip-filter").count() == 2
    turn.get_by_role("button", name="Remove Unlike your picture").click()
    assert turns(page, 5).locator(".chip-image").count() == 0


def test_a_picture_is_dropped_anywhere_on_the_page(site: Site, page: Any, scan: Path) -> None:
    ask(page, "chest x-ray")
    turns(page, 1)
    assert page.evaluate(DROP, [encoded(scan.read_bytes()), "image/png"])
    turn = turns(page, 2)
    assert turn.locator(".chip-image").count() == 1
    assert turn.locator(".chip-filter").count() == 2
    assert "Mrs Example" not in page.content()


def test_what_is_no_picture_is_refused_and_the_page_stays(site: Site, page: Any) -> None:
    ask(page, "chest x-ray")
    turns(page, 1)
    page.evaluate(DROP, [encoded(b"<svg xmlns='http://www.w3.org/2000/svg'/>"), "image/svg+xml"])
    page.locator("#problem").get_by_text("This picture was not taken").wait_for()
    assert page.locator("#thread > li").count() == 1
    assert page.locator("#results .hit[data-image-id]").count() > 0


def test_words_count_more_while_their_label_is_edited(site: Site, page: Any) -> None:
    ask(page, "fracture and effusion")
    turn = turns(page, 1)
    more = turn.get_by_role("button", name="More of “effusion”")
    assert not more.is_visible()
    turn.get_by_role("button", name="effusion", exact=True).click()
    more.click()
    turn = turns(page, 2)
    chip = turn.locator(".chip-phrase.is-weighed")
    assert chip.locator(".chip-weight").inner_text() == "×2"


def test_several_pictures_are_chosen_at_360_pixels(site: Site, page: Any) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    scans = sorted((site.folder / "corpora").glob("*.png"))[:2]
    page.locator("#composer [type=file]").set_input_files([str(scan) for scan in scans])
    turn = turns(page, 1)
    assert turn.locator(".chip-image .chip-label").all_inner_texts() == [
        "Like your picture 1",
        "Like your picture 2",
    ]
    overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(overflow) <= 0
    small = "[...document.querySelectorAll('.is-current .chip-step, .attach')].map((b) => Math.min(b.offsetWidth, b.offsetHeight))"  # noqa: E501
    assert min(page.evaluate(small)) >= 24


def test_without_a_socket_a_picture_is_searched_over_http(
    site: Site, page: Any, scan: Path
) -> None:
    page.route_web_socket("**/ws/search/", lambda socket: socket.close())
    page.goto(site.address)
    page.locator("#composer [type=file]").set_input_files(str(scan))
    assert turns(page, 1).locator(".chip-image").count() == 1
