"""Suggestions, links, exports and branches in headless Chromium on the running product."""

import re
from typing import Any

import pytest

from tests.site.conftest import Site
from tests.site.test_journeys import ask, settled, turns

pytestmark = pytest.mark.browser


def test_a_suggestion_is_taken_with_the_keys_alone(site: Site, page: Any) -> None:
    field = page.get_by_role("combobox", name="What to look for")
    field.press_sequentially("che")
    rows = page.get_by_role("listbox", name="Suggestions").get_by_role("option")
    rows.first.wait_for()
    assert 0 < rows.count() <= 8
    assert field.get_attribute("aria-expanded") == "true"
    field.press("ArrowUp")
    field.press("ArrowDown")
    assert field.get_attribute("aria-activedescendant") == ""
    field.press("ArrowDown")
    first = rows.first
    assert field.get_attribute("aria-activedescendant") == first.get_attribute("id")
    assert first.get_attribute("aria-selected") == "true"
    words = first.inner_text()
    field.press("Enter")
    settled(page)
    assert page.locator("#thread .turn.is-current .utterance").inner_text() == words
    assert (rows.count(), field.get_attribute("aria-expanded")) == (0, "false")
    field.press_sequentially("ches")
    rows.first.wait_for()
    field.press("Escape")
    assert (rows.count(), field.input_value()) == (0, "ches")


def test_a_suggestion_is_taken_with_a_click(site: Site, page: Any) -> None:
    page.locator("#words").press_sequentially("che")
    page.locator("#typed li").first.click()
    assert settled(page).count() > 0


def test_a_copied_link_opens_the_same_hits_and_goes_on_as_a_conversation(
    site: Site, page: Any
) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    ask(page, "chest x-ray")
    hits = [hit.get_attribute("data-image-id") for hit in settled(page).all()]
    page.get_by_role("button", name="Copy link").click()
    page.locator("#link", has_text="Copied.").wait_for()
    page.goto(page.evaluate("navigator.clipboard.readText()"))
    again = page.locator("#results .hit[data-image-id]")
    assert [hit.get_attribute("data-image-id") for hit in again.all()] == hits
    page.get_by_role("button", name="Copy link").click()
    page.locator("#link", has_text="Copied.").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == page.url
    page.get_by_role("button", name="Continue from here").click()
    page.wait_for_url(re.compile(r"/c/\d+/$"))
    ask(page, "undo")
    turns(page, 2)


def test_what_is_shown_is_what_is_exported_and_gone_on_with(site: Site, page: Any) -> None:
    ask(page, "chest x-ray")
    turns(page, 1)
    ask(page, "what about CT?")
    turns(page, 2)
    page.locator("#take summary").click()
    with page.expect_download() as saved:
        page.get_by_role("link", name="CSV").click()
    shown = page.locator("#thread .turn.is-current").get_attribute("data-turn")
    assert saved.value.suggested_filename == f"clipsite-turn-{shown}.csv"
    first = page.locator("#thread > li").first
    first.hover()
    first.get_by_role("button", name="Continue from here").click()
    page.get_by_text("Continued from chest x-ray").wait_for()
    assert turns(page, 1).get_by_role("button", name="Remove X-ray").count() == 1


def test_saving_under_a_name_that_is_taken_asks_first(site: Site, page: Any) -> None:
    asked: list[str] = []

    def refuse(dialog: Any) -> None:
        asked.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", refuse)
    for _ in range(2):
        page.goto(site.address)
        ask(page, "chest x-ray")
        settled(page)
        page.locator("#save summary").click()
        page.get_by_label("Save this search as").fill("Twice")
        page.get_by_label("Save this search as").press("Enter")
        page.locator("#save summary", has_text="Saved").or_(page.locator("#save[open]")).wait_for()
        page.wait_for_timeout(300)
    assert len(asked) == 1
    assert "“Twice”" in asked[0]
