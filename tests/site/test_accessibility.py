"""What axe-core finds on every state of the pages: nothing that hinders anybody."""

from typing import Any

import pytest

from tests.site.conftest import Site
from tests.site.test_journeys import ask, settled

pytestmark = pytest.mark.browser

HINDERS = {"moderate", "serious", "critical"}
PAGES = [
    "/saved/", "/history/", "/compare?ids=1,2", "/images/1/", "/images/1/heat-map?phrase=rib",
    "/search?q=chest", "/not-there",
]  # fmt: skip
NOTHING_HAS_ALL = "ultrasound of the knee of a man in 1999"

KEPT = """
from django.contrib.auth import get_user_model
from ingest.models import Image
from search.models import Share, Tag

tag = Tag.named(get_user_model().objects.get(username="admin"), "Looked at")[0]
tag.add(Image.objects.values_list("pk", flat=True)[:5])
answer = [tag.pk, Share.images(tag, 7).key]
"""


@pytest.fixture(params=[(1440, "light"), (1440, "dark"), (360, "light")], ids=str)
def looked_at(request: pytest.FixtureRequest, page: Any) -> Any:
    width, scheme = request.param
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    return page


def findings(page: Any) -> list[str]:
    from axe_playwright_python.sync_playwright import Axe

    return [
        f"{rule['id']}: {rule['help']}: {node['html'][:200]}"
        for rule in Axe().run(page).response["violations"]
        if rule["impact"] in HINDERS
        for node in rule["nodes"]
    ]


def test_no_state_of_the_search_hinders_anybody(site: Site, looked_at: Any) -> None:
    page = looked_at
    assert findings(page) == []
    ask(page, "chest x-ray with an effusion")
    hits = settled(page)
    assert findings(page) == []
    for menu in ("All results", "Share…"):
        page.locator(".stage-line summary", has_text=menu).click()
        assert findings(page) == [], menu
        page.locator(".stage-line summary", has_text=menu).click()
    page.get_by_role("button", name="List").click()
    assert findings(page) == []
    page.get_by_role("button", name="Grid").click()
    hits.first.locator(".hit-open").click()
    page.locator(".part > summary").click()
    page.locator("#detail[open] .heat-fold summary").first.click()
    page.locator("#detail .heat").wait_for()
    assert findings(page) == []
    page.keyboard.press("Escape")
    ask(page, f"new topic: {NOTHING_HAS_ALL}")
    page.locator("#nothing .offer").first.wait_for()
    page.locator(".history summary").click()
    assert findings(page) == []


def test_no_other_page_hinders_anybody(site: Site, looked_at: Any) -> None:
    page = looked_at
    tag, key = site.run(KEPT)
    for path in [*PAGES, "/tags/", f"/tags/{tag}/", f"/shared/{key}/"]:
        page.goto(f"{site.address}{path}")
        if "q=" in path:  # asked again, as a conversation
            page.wait_for_url("**/c/*/")
            settled(page)
        assert findings(page) == [], path
