"""A part of a picture as an example, by pointer and by keys; the order of the results; the list."""

from typing import Any

import pytest

from tests.site.conftest import Site
from tests.site.test_journeys import ask

pytestmark = pytest.mark.browser

CARD = "#results .hit[data-image-id]"
SIDES = ("left", "top", "width", "height")


def draw(page: Any, form: Any, start: tuple[float, float], end: tuple[float, float]) -> list[str]:
    """Draws a box by shares of the picture; what the fields then say."""
    box = form.locator(".part-frame").bounding_box()
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in (start, end)]
    page.mouse.move(*places[0])
    page.mouse.down()
    page.mouse.move(*places[1], steps=3)
    page.mouse.up()
    return [form.locator(f"[name={side}]").input_value() for side in SIDES]


def test_a_box_drawn_over_a_hit_is_what_is_searched_by(site: Site, page: Any) -> None:
    ask(page, "chest x-ray")
    page.locator(f"{CARD} .hit-open").first.click()
    page.locator(".part > summary").click()
    form = page.locator(".part form")
    form.locator("img").evaluate("image => image.decode()")
    form.locator(".part-frame").scroll_into_view_if_needed()
    said = [int(value) for value in draw(page, form, (0.6, 0.5), (0.2, 0.25))]
    assert all(abs(one - other) <= 1 for one, other in zip(said, (20, 25, 40, 25), strict=True))
    form.get_by_role("button", name="Search by this part").click()
    turn = page.locator(".turn.is-current")
    turn.locator(".utterance", has_text="More like a part of this image").wait_for()
    turn.locator(".chip-image", has_text="Like part of image").wait_for()
    assert "left=" in turn.locator(".chip-thumb:visible").get_attribute("src")


def test_keys_alone_say_where_the_part_is_and_a_box_too_small_is_not_taken(
    site: Site, page: Any
) -> None:
    ask(page, "chest x-ray")
    page.locator(f"{CARD} .hit-open").first.focus()
    page.keyboard.press("Enter")
    summary = page.locator(".part > summary")
    summary.focus()
    page.keyboard.press("Enter")
    for side, value in zip(SIDES, ("10", "0", "1", "50"), strict=True):
        field = page.locator(f".part [name={side}]")
        field.focus()
        page.keyboard.press("ControlOrMeta+a")
        page.keyboard.type(value)
    page.keyboard.press("Enter")
    assert page.locator(".turn").count() == 1
    assert page.locator(".part [name=width]").evaluate("field => !field.validity.valid")
    for width in ("91", "60"):
        assert page.locator(".turn").count() == 1
        page.locator(".part [name=width]").focus()
        page.keyboard.press("ControlOrMeta+a")
        page.keyboard.type(width)
        page.keyboard.press("Enter")
    page.locator(".turn.is-current .chip-image", has_text="Like part of image").wait_for()


def test_a_part_takes_the_place_of_a_picture_of_ones_own(
    site: Site, page: Any, tmp_path: Any
) -> None:
    from PIL import Image as Pillow

    Pillow.linear_gradient("L").save(tmp_path / "mine.png")
    page.locator("[type=file]").set_input_files(tmp_path / "mine.png")
    label = page.locator(".turn.is-current .chip-image .chip-label")
    label.focus()
    page.locator(".turn.is-current .chip-image .chip-more").click()
    page.locator(".turn.is-current .chip-image", has_text="×2").wait_for()
    label.click()
    form = page.locator("#own-part .part-form")
    form.locator("img").evaluate("image => image.decode()")
    draw(page, form, (0.5, 0.0), (1.3, 0.5))
    assert form.locator("[name=width]").input_value() == "50"
    with page.expect_response("**/query-images") as answered:
        form.get_by_role("button", name="Search by this part").click()
    assert answered.value.status == 201
    page.locator(".turn.is-current .utterance", has_text="Like a part of my picture").wait_for()
    assert page.locator(".turn.is-current .chip-image").count() == 1
    assert "×2" in page.locator(".turn.is-current .chip-image").inner_text()
    assert not page.locator("#own-part").is_visible()


def test_on_a_phone_the_order_is_read_whole_and_the_sides_of_a_part_share_a_line(
    site: Site, page: Any
) -> None:
    page.set_viewport_size({"width": 360, "height": 780})
    ask(page, "chest x-ray")
    order = page.get_by_label("Order")
    # As wide as it would be with all the room that it wants.
    shown, wanted = order.evaluate(
        "select => [select.offsetWidth, (select.style.width = 'auto', select.offsetWidth)]"
    )
    assert shown >= wanted
    page.locator(f"{CARD} .hit-open").first.click()
    page.locator(".part > summary").click()
    tops = {page.locator(f".part [name={side}]").bounding_box()["y"] for side in SIDES}
    assert len(tops) == 1
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_paper_has_the_question_and_its_labels_and_nothing_to_press(site: Site, page: Any) -> None:
    ask(page, "chest x-ray")
    page.locator("#stage-head:not(.is-waiting)").wait_for()
    page.emulate_media(media="print", color_scheme="dark")
    assert page.locator(".turn.is-current .chip-label:visible").count() == 2
    assert page.locator(":is(button:not(.chip-label), input, select):visible").count() == 0
    light = page.locator(f"{CARD} .hit-image").first.evaluate("i => getComputedStyle(i).filter")
    assert light == "brightness(1)"


def test_a_question_of_many_lines_leaves_its_labels_in_sight(site: Site, page: Any) -> None:
    from playwright.sync_api import expect

    ask(page, "pleural effusion " * 110)
    expect(page.locator(".turn.is-current .chip").first).to_be_in_viewport()
    expect(page.locator(".turn.is-current .utterance")).to_be_in_viewport()


def test_the_order_is_chosen_said_and_kept(site: Site, page: Any) -> None:
    from playwright.sync_api import expect

    ask(page, "chest x-ray")
    page.locator("#stage-head:not(.is-waiting)").wait_for()
    order = page.get_by_label("Order")
    order.select_option("source")
    page.locator(".turn.is-current .utterance", has_text="Sorted by source").wait_for()
    ask(page, "newest first")
    expect(order).to_have_value("newest")
    ask(page, "by pictures only")
    expect(page.locator("[name=mode][value=semantic]")).to_be_checked()
    page.reload()
    page.locator(CARD).first.wait_for()
    expect(page.get_by_label("Order")).to_have_value("newest")
    expect(page.locator("[name=mode][value=semantic]")).to_be_checked()


@pytest.mark.parametrize("width", [1280, 360])
def test_a_list_shows_whole_captions_and_is_walked_by_keys(
    site: Site, page: Any, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    ask(page, "fracture or effusion")
    cards = page.locator(CARD)
    cards.nth(2).wait_for()
    page.get_by_role("button", name="List").click()
    tops = [cards.nth(index).bounding_box()["y"] for index in range(3)]
    assert tops == sorted(set(tops))
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    cards.first.locator(".hit-open").focus()
    page.keyboard.press("ArrowDown")
    assert cards.nth(1).evaluate("card => card.matches(':focus-within')")
    page.reload()
    page.get_by_role("button", name="Grid").click()
    assert page.get_by_role("button", name="List").is_visible()
