"""Weak matches and copies in a list, as people see them in headless Chromium."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.site.conftest import Site
from tests.site.test_journeys import ask, settled

pytestmark = pytest.mark.browser


def lines(page: Any) -> list[str]:
    return [line.inner_text() for line in page.locator(".line-weak").all() if line.is_visible()]


def test_a_line_stands_between_what_matches_well_and_the_rest(site: Site, page: Any) -> None:
    ask(page, "nephrolithiasis")
    hits = settled(page)
    strong = page.locator("#results .hit[data-image-id]:not(.is-weak)").count()
    assert 0 < strong < hits.count()
    assert lines(page) == ["Weaker matches below"]
    line = page.locator(".line-weak:visible").bounding_box()
    above, below = hits.nth(strong - 1).bounding_box(), hits.nth(strong).bounding_box()
    assert above["y"] + above["height"] <= line["y"]
    assert line["y"] + line["height"] <= below["y"]


def test_a_search_for_what_is_not_there_says_so_aloud_and_shows_the_nearest(
    site: Site, page: Any
) -> None:
    ask(page, "quantum harpsichord")
    assert settled(page).count() > 0
    assert lines(page) == ["Nothing matches well. These are the nearest."]
    assert page.locator("#announcer").text_content().startswith("Nothing matches well. ")


@pytest.fixture
def copies(site: Site, page: Any) -> Iterator[tuple[str, str]]:
    """The first two of "chest x-ray", looking the same for the length of a test."""
    ask(page, "chest x-ray")
    hits = settled(page)
    first, second = (hits.nth(place).get_attribute("data-image-id") for place in (0, 1))
    mine = (
        f"from ingest.models import Image; mine = Image.objects.filter(pk__in=[{first}, {second}])"
    )
    kept = site.run(f"{mine}; answer = list(mine.values_list('pk', 'perceptual_hash'))")
    site.run(f"{mine}; answer = mine.update(perceptual_hash='7' * 64)")
    yield first, second
    site.run(f"{mine}; answer = [mine.filter(pk=i).update(perceptual_hash=h) for i, h in {kept}]")


def test_copies_open_from_the_card_of_the_better_one(copies: tuple[str, str], page: Any) -> None:
    first, second = copies
    ask(page, "new topic: chest x-ray")
    page.wait_for_function("document.querySelectorAll('#thread > li').length === 2")
    settled(page)
    assert page.locator(f"#results [data-image-id='{first}']").count() == 1
    assert page.locator(f"#results [data-image-id='{second}']").count() == 0
    page.get_by_text("+1 similar").click()
    page.locator(f"#detail .similar [data-figure='{second}']").click()
    page.wait_for_selector(f"#detail[data-image-id='{second}']")
