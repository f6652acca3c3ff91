"""What the search page asks a browser to load, and in which language it speaks."""

import json
import re
from pathlib import Path

from django.contrib.staticfiles import finders
from django.test import Client
from django.utils import translation

from search.sentences import SENTENCES

MODULES = Path(finders.find("clipsite_search/js/page.js") or "").parent


def test_all_modules_together_stay_under_60_kilobytes() -> None:
    sizes = {module.name: module.stat().st_size for module in MODULES.glob("*.js")}
    assert "page.js" in sizes
    assert sum(sizes.values()) < 60_000


def imported(module: str) -> set[str]:
    """What a module needs, all the way down."""
    code = (MODULES / module).read_text()
    found = set(re.findall(r'(?:from|import) "\./([\w-]+\.js)"', code))
    return found.union(*map(imported, found)) if found else found


def test_all_that_the_page_imports_is_asked_for_at_once(admin_client: Client) -> None:
    page = admin_client.get("/").content.decode()
    asked = re.findall(r'<link rel="modulepreload" href="[^"]*/js/([\w-]+)[^"]*\.js">', page)
    assert {f"{name}.js" for name in asked} == imported("page.js") | {"page.js"}


def test_every_sentence_that_a_module_says_is_one_that_the_page_gives_it() -> None:
    said = set()
    for module in MODULES.glob("*.js"):
        code = module.read_text()
        for argument in re.findall(r"\bsay\(([^()]*)", code):
            said |= set(re.findall(r'"(\w+)"', argument))
    less_and_more_are_named_by_a_variable = {"less", "more"}
    assert said | less_and_more_are_named_by_a_variable == set(SENTENCES)


def test_the_page_speaks_the_language_that_is_active(admin_client: Client) -> None:
    with translation.override("de"):
        page = admin_client.get("/").content.decode()
    assert '<html lang="de">' in page
    found = re.search(r'<script id="sentences" type="application/json">(.*?)</script>', page)
    assert found
    assert json.loads(found[1]).keys() == SENTENCES.keys()
