"""Looking closely at one image, and at several beside each other, in headless Chromium."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.site.conftest import Site
from tests.site.test_journeys import ask, settled

pytestmark = pytest.mark.browser


def is_scaled(page: Any, wanted: float) -> None:
    """Wait until the picture of the panel is drawn so many times larger than fitted."""
    page.wait_for_function(
        """(wanted) => {
          const image = document.querySelector("#detail .detail-image");
          return Math.abs(image.getBoundingClientRect().width / image.offsetWidth - wanted) < 1e-3;
        }""",
        arg=wanted,
    )


def left(page: Any) -> float:
    return float(page.locator("#detail .detail-image").bounding_box()["x"])


def is_at(page: Any, wanted: float) -> None:
    """Wait until the left side of the picture is there, in pixels."""
    page.wait_for_function(
        """(wanted) => {
          const image = document.querySelector("#detail .detail-image");
          return Math.abs(image.getBoundingClientRect().x - wanted) < 1e-2;
        }""",
        arg=wanted,
    )


def test_the_picture_is_lit_by_sliders_until_another_is_opened(site: Site, page: Any) -> None:
    ask(page, "chest x-ray")
    settled(page).first.locator(".hit-open").click()
    light = page.locator("#detail .light")
    light.locator("summary").focus()
    page.keyboard.press("Enter")
    light.get_by_label("Contrast").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    drawn = "getComputedStyle(document.querySelector('#detail .detail-image')).filter"
    page.wait_for_function(f"{drawn} === 'brightness(1) contrast(1.1)'")
    light.get_by_role("button", name="As it is").click()
    page.wait_for_function(f"{drawn} === 'brightness(1) contrast(1)'")
    light.get_by_label("Brightness").focus()
    page.keyboard.press("ArrowLeft")
    page.wait_for_function(f"{drawn} === 'brightness(0.95) contrast(1)'")
    page.get_by_role("button", name="Next image").click()
    page.wait_for_function(f"{drawn} === 'brightness(1) contrast(1)'")


def test_the_picture_of_the_panel_is_zoomed_and_moved(site: Site, page: Any) -> None:
    page.emulate_media(reduced_motion="reduce")
    ask(page, "chest x-ray")
    settled(page).first.locator(".hit-open").click()
    # A picture that has not arrived has nowhere to move to.
    page.locator("#detail .detail-image").evaluate("(image) => image.decode()")
    frame = page.locator("#detail .zoom")
    frame.focus()
    page.keyboard.press("+")
    page.keyboard.press("+")
    is_scaled(page, 2.25)
    before = left(page)
    page.keyboard.press("ArrowLeft")
    is_at(page, before + 48)
    page.keyboard.press("0")
    is_scaled(page, 1)

    box = frame.bounding_box()
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(*middle)
    page.mouse.wheel(0, -400)
    is_scaled(page, 2)
    before = left(page)
    page.mouse.down()
    page.mouse.move(middle[0] - 30, middle[1])
    page.mouse.up()
    is_at(page, before - 30)
    page.mouse.wheel(0, 4000)
    is_scaled(page, 1)

    page.locator("#detail").get_by_role("button", name="Zoom in").click()
    is_scaled(page, 1.5)
    page.get_by_role("button", name="Next image").click()
    is_scaled(page, 1)


@pytest.fixture
def article(site: Site) -> Iterator[None]:
    """All images of the corpus belong together, for as long as a test runs."""
    rows = "from ingest.models import Image\nrows = list(Image.objects.all())\n"
    together = 'for row in rows: row.group_key = "article-1"'
    apart = "for row in rows: row.group_key = row.sha256"
    keep = '\nImage.objects.bulk_update(rows, ["group_key"])\nanswer = None'
    site.run(rows + together + keep)
    yield
    site.run(rows + apart + keep)


def test_a_figure_of_the_article_opens_in_the_panel(site: Site, page: Any, article: None) -> None:
    ask(page, "chest x-ray")
    hits = settled(page)
    ranked = {hit.get_attribute("data-image-id") for hit in hits.all()}
    hits.first.locator(".hit-open").click()
    page.locator("#detail .why").wait_for()
    figures = page.locator("#detail [data-figure]")
    figures.first.wait_for()
    assert page.locator("#detail [data-figure][aria-current]").count() == 1
    ids = [figure.get_attribute("data-figure") for figure in figures.all()]
    other = next(number for number in ids if number not in ranked)
    page.locator(f"#detail [data-figure='{other}']").click()
    page.locator(f"#detail [data-figure='{other}'][aria-current]").wait_for()
    assert page.locator("#detail .why").is_hidden()
    assert f"/images/{other}/file" in page.locator("#detail .detail-image").get_attribute("src")
    page.get_by_role("button", name="Next image").click()
    page.locator("#detail .why").wait_for()
    second = hits.nth(1).get_attribute("data-image-id")
    assert page.locator(f"#results .is-open[data-image-id='{second}']").count() == 1


def test_images_are_chosen_by_key_and_button_and_seen_side_by_side(site: Site, page: Any) -> None:
    ask(page, "chest x-ray")
    hits = settled(page)
    first, second = (hits.nth(at).get_attribute("data-image-id") for at in (0, 1))
    hits.first.locator(".hit-open").focus()
    page.keyboard.press("c")
    tray = page.locator("#tray")
    assert tray.inner_text().startswith("1 of 4 chosen")
    assert tray.get_by_role("link").count() == 0
    ask(page, "without effusion")
    page.wait_for_function("document.querySelectorAll('#thread > li').length === 2")
    hits = settled(page)
    chosen = page.locator(f"#results [data-image-id='{second}']")
    chosen.hover()
    chosen.get_by_role("button", name="Compare").click()
    assert chosen.get_by_role("button", name="Compare").get_attribute("aria-pressed") == "true"
    tray.get_by_role("link", name="Side by side").click()
    page.wait_for_url(f"{site.address}/compare?ids={first},{second}")
    assert page.locator(".compare article").count() == 2
    tops = [facts.bounding_box()["y"] for facts in page.locator("dl.facts").all()]
    assert tops[0] == tops[1]
    page.set_viewport_size({"width": 360, "height": 800})
    tops = [facts.bounding_box()["y"] for facts in page.locator("dl.facts").all()]
    assert tops[0] < tops[1]
    overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(overflow) <= 0


def test_the_panel_unfolds_where_the_picture_is_like_a_phrase(site: Site, page: Any) -> None:
    ask(page, "chest x-ray with an effusion")
    settled(page).first.locator(".hit-open").click()
    fold = page.locator("#detail .heat-fold").last
    fold.locator("summary").click()
    picture = fold.get_by_role("img", name="Heat map of “effusion” over the picture.")
    picture.wait_for()
    told = fold.locator("figcaption p").first.inner_text()
    assert told.startswith(("Warmest", "Even"))
    assert picture.get_attribute("alt").endswith(told)
    colours = fold.locator(".heat-layer")
    assert colours.bounding_box() == pytest.approx(picture.bounding_box())
    fold.get_by_label("Colours over the picture").uncheck()
    assert not colours.is_visible()
    asked_again = []
    page.on("request", lambda request: asked_again.append(request.url))
    fold.locator("summary").click()
    fold.locator("summary").click()
    picture.wait_for()
    assert not [url for url in asked_again if "heat-map" in url]
