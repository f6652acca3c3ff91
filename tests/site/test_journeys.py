"""What people do, in headless Chromium on the running product."""

import re
from typing import Any

import pytest

from tests.site.conftest import Site

pytestmark = pytest.mark.browser


def ask(page: Any, words: str) -> None:
    composer = page.locator("#composer textarea, #composer input[name=q]").first
    composer.fill(words)
    composer.press("Enter")


def settled(page: Any) -> Any:
    """The hits of the finished turn."""
    page.wait_for_selector("#thread .turn.is-current[data-turn]:not(.is-waiting)")
    page.wait_for_selector("#results .grid:not(.is-stale):not(.is-leg) .hit[data-image-id]")
    return page.locator("#results .hit[data-image-id]")


def test_an_editor_asks_sees_hits_votes_and_saves(site: Site, page: Any) -> None:
    frames: list[str] = []

    def note(text: str) -> None:
        frames.extend(re.findall(r'"leg": ?"(\w+)"', text))

    page.on("websocket", lambda socket: socket.on("framereceived", note))
    page.goto(site.address)
    ask(page, "chest x-ray")
    hits = settled(page)
    assert hits.count() > 1
    assert frames == ["lexical", "semantic", "fused"]
    page.get_by_role("button", name="Remove X-ray").wait_for()

    first = hits.first
    image_id = first.get_attribute("data-image-id")
    first.hover()
    first.get_by_role("button", name="Fits the search").click()
    vote = f"SELECT value FROM clipsite_search_feedback WHERE image_id = {image_id}"
    site.wait_for(vote, lambda value: value == 1, 10)

    page.locator("#save summary").click()
    page.get_by_label("Save this search as").fill("Chest films")
    page.get_by_label("Save this search as").press("Enter")
    name = "SELECT name FROM clipsite_search_savedsearch WHERE name = 'Chest films'"
    site.wait_for(name, lambda found: found is not None, 10)
    page.goto(f"{site.address}/saved/")
    page.get_by_text("Chest films").first.wait_for()


def test_removing_a_chip_asks_again_without_it(site: Site, page: Any) -> None:
    ask(page, "chest x-ray")
    settled(page)
    page.get_by_role("button", name="Remove X-ray").last.click()
    page.wait_for_function("document.querySelectorAll('#thread > li').length === 2")
    settled(page)
    assert page.locator("#thread > li").last.get_by_role("button", name="Remove X-ray").count() == 0


def turns(page: Any, count: int) -> Any:
    """The newest of so many turns, once it is answered."""
    page.wait_for_function(f"document.querySelectorAll('#thread > li').length === {count}")
    settled(page)
    return page.locator("#thread > li").last


def test_a_conversation_refines_goes_back_and_asks_why(site: Site, page: Any) -> None:
    ask(page, "ultrasound")
    turns(page, 1)
    ask(page, "what about CT?")
    turn = turns(page, 2)
    assert turn.get_by_role("button", name="Remove CT").count() == 1
    assert turn.get_by_role("button", name="Remove Ultrasound").count() == 0
    ask(page, "more like #2")
    turn = turns(page, 3)
    assert turn.locator(".chip-image").count() == 1
    ask(page, "undo")
    assert turns(page, 4).locator(".chip-image").count() == 0
    ask(page, "why #2")
    turns(page, 5)
    page.locator("dialog#detail[open]").wait_for()
    rank = page.locator("#results .hit[data-image-id]").nth(1).get_attribute("data-image-id")
    assert page.locator(f"#results .is-open[data-image-id='{rank}']").count() == 1


def test_a_new_topic_is_told_and_taken_back_on_the_spot(site: Site, page: Any) -> None:
    ask(page, "chest x-ray")
    turns(page, 1)
    ask(page, "show me ultrasound of the thyroid")
    turn = turns(page, 2)
    turn.get_by_text("Started a new search.").wait_for()
    turn.get_by_role("button", name="Undo").click()
    assert turns(page, 3).get_by_role("button", name="Remove X-ray").count() == 1


def test_more_like_this_leaves_the_image_itself_out(site: Site, page: Any) -> None:
    ask(page, "abdomen CT")
    first = settled(page).first
    image_id = first.get_attribute("data-image-id")
    first.hover()
    first.get_by_role("button", name="More like this").click()
    page.wait_for_function("document.querySelectorAll('#thread > li').length === 2")
    settled(page)
    assert page.locator(f"#results .hit[data-image-id='{image_id}']").count() == 0


def test_with_the_socket_blocked_the_page_still_answers(site: Site, page: Any) -> None:
    page.route_web_socket("**/ws/search/", lambda socket: socket.close())
    page.goto(site.address)
    ask(page, "ultrasound of the thyroid")
    assert settled(page).count() > 0


def test_without_javascript_a_search_is_a_plain_form(site: Site, page: Any, chromium: Any) -> None:
    context = chromium.new_context(
        java_script_enabled=False, storage_state=page.context.storage_state()
    )
    plain = context.new_page()
    plain.goto(site.address)
    plain.locator("#composer [name=q]").fill("brain MRI")
    plain.locator("#composer button[type=submit], #composer button:not([type])").first.click()
    plain.wait_for_url(re.compile(r"/search\?"))
    assert plain.locator("#results .hit").count() > 0
    context.close()


@pytest.mark.parametrize("width", [360, 768, 1440])
def test_nothing_scrolls_sideways(site: Site, page: Any, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    ask(page, "chest x-ray")
    settled(page)
    overflow = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    assert overflow <= 0


def test_an_admin_starts_a_run_and_watches_it_finish(site: Site, page: Any) -> None:
    page.goto(f"{site.address}/admin/clipsite_training/trainingrun/add/")
    page.locator("select[name=collection]").select_option(label="demo")
    page.locator("input[name=base]").fill("scratch:tiny")
    page.locator("select[name=preset]").select_option("tiny")
    page.locator("textarea[name=settings]").fill('{"epochs": "2"}')
    page.get_by_role("button", name="Save").first.click()
    page.get_by_text("This tunes scratch:tiny on").wait_for()
    page.get_by_role("button", name="Start").click()
    page.locator("[data-job-status]", has_text="succeeded").wait_for(timeout=90_000)
    page.locator("figure.curve svg polyline").first.wait_for()
    page.get_by_role("link", name="Build index").click()
    page.get_by_role("button", name="Save").first.click()
    page.get_by_role("button", name="Start").click()
    page.locator("[data-job-status]", has_text="succeeded").wait_for(timeout=90_000)
    page.get_by_text("documents, live now").first.wait_for()


def test_a_run_with_a_wrong_setting_is_refused_in_the_form(site: Site, page: Any) -> None:
    page.goto(f"{site.address}/admin/clipsite_training/trainingrun/add/")
    page.locator("select[name=collection]").select_option(label="demo")
    page.locator("textarea[name=settings]").fill('{"magic": "1"}')
    page.get_by_role("button", name="Save").first.click()
    page.get_by_text("There is no setting 'magic'").wait_for()


@pytest.mark.parametrize("words", ["with an effusion", "new topic: blorple"])
def test_an_answer_takes_the_place_of_the_one_before_wherever_the_pointer_rests(
    site: Site, page: Any, words: str
) -> None:
    """No caption has "blorple", so the leg by words is empty and the pictures come first."""
    ask(page, "chest x-ray")
    turns(page, 1)
    page.locator("#results .hit[data-image-id]").nth(1).hover()
    ask(page, words)
    turn = turns(page, 2).get_attribute("data-turn")
    answer = page.request.get(f"{site.address}/api/v1/turns/{turn}").json()
    shown = page.locator("#results .hit[data-image-id]").evaluate_all(
        "(hits) => hits.map((hit) => Number(hit.dataset.imageId))"
    )
    assert shown == [hit["image_id"] for hit in answer["hits"]]
    assert page.locator("#new-order").is_hidden()
