"""Tags and links that end, in headless Chromium on the running product."""

from typing import Any

import pytest

from tests.site.conftest import PASSWORD, Site
from tests.site.test_journeys import ask, settled

pytestmark = pytest.mark.browser

COLLEAGUE = f"""
from django.contrib.auth import get_user_model
colleague = get_user_model().objects.get_or_create(username="colleague")[0]
colleague.set_password({PASSWORD!r})
colleague.save()
"""


def numbers(links: Any) -> list[str]:
    return [link.get_attribute("href").rstrip("/").split("/")[-1] for link in links.all()]


@pytest.mark.parametrize("width", [1280, 360])
def test_all_results_are_tagged_opened_shared_and_seen_by_a_colleague(
    site: Site, page: Any, chromium: Any, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    ask(page, "chest x-ray")
    settled(page)
    ask(page, "new topic: head CT")
    page.locator("#thread > li").nth(1).wait_for()
    settled(page)
    shown = page.locator("#thread .turn.is-current").get_attribute("data-turn")
    here = page.url
    ranked = page.request.get(f"{site.address}/api/v1/turns/{shown}?limit=100").json()["hits"]
    name = f"Heads at {width}"
    page.locator("#take summary").click()
    page.get_by_label("Tag all as").fill(name)
    tag = page.locator("#take").get_by_role("button", name="Tag")
    place = tag.bounding_box()
    tag.click()
    page.get_by_text(f"{len(ranked)} images have the tag “{name}”.").wait_for()
    assert page.url == here
    assert tag.bounding_box() == place
    page.locator("#take summary").click()

    page.locator("#results .hit-open").first.click()
    panel = page.locator("#detail .tags")
    panel.get_by_role("link", name=name).wait_for()
    panel.get_by_label("Add a tag").fill("Another")
    panel.get_by_label("Add a tag").press("Enter")
    panel.get_by_role("button", name="Take the tag Another away").click()
    panel.get_by_role("link", name="Another").wait_for(state="detached")
    assert page.url == here
    panel.get_by_role("link", name=name).click()

    page.get_by_role("heading", name=name).wait_for()
    images = [str(hit["image_id"]) for hit in ranked]
    assert numbers(page.locator(".hit-open")) == images[:48]
    page.locator(".tag-tools summary", has_text="Share…").click()
    page.get_by_role("button", name="For 7 days").click()
    page.locator("#shared .is-new", has_text=name).wait_for()
    address = page.locator("#shared .is-new code").inner_text()

    site.run(COLLEAGUE)
    context = chromium.new_context()
    theirs = context.new_page()
    theirs.goto(address)
    theirs.get_by_label("Username").fill("colleague")
    theirs.locator("input[name=password]").fill(PASSWORD)
    theirs.locator("input[name=password]").press("Enter")
    theirs.get_by_role("heading", name=name).wait_for()
    assert theirs.url == address
    assert numbers(theirs.locator(".hit-open")) == images[:48]
    page.get_by_role("button", name=f"End the link to {name} now").click()
    page.get_by_role("button", name=f"End the link to {name} now").wait_for(state="detached")
    theirs.reload()
    theirs.get_by_role("heading", name="This link has ended").wait_for()
    context.close()
