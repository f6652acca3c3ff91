"""What a reader sees is in the site's language: every sentence of the pages can be translated."""

import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils.formats import date_format
from django.utils.translation import trans_real

from ingest.models import Image
from ingest.vocabulary import LISTED_FIELDS, label_of, values
from search import asking, query_vector
from search.encoding import EncoderUnavailable
from search.models import IndexBuild, SavedSearch, Share, Tag
from search.suggestions import suggestions
from search.wire import FIELD_LABELS
from tests.search.conftest import CAPTIONS

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = ROOT / "search" / "templates"

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def foreign(monkeypatch: pytest.MonkeyPatch) -> None:
    """A language in which every sentence stands between ⟦ and ⟧, with its values in it."""

    def gettext(catalogue: Any, message: str) -> str:
        return f"⟦{message}⟧"

    def ngettext(catalogue: Any, one: str, many: str, number: int) -> str:
        return f"⟦{one if number == 1 else many}⟧"

    monkeypatch.setattr(trans_real.DjangoTranslation, "gettext", gettext)
    monkeypatch.setattr(trans_real.DjangoTranslation, "ngettext", ngettext)


class _Said(HTMLParser):
    """The texts that a page shows, and those that it says to a screen reader."""

    SILENT = {"script", "style", "kbd", "option"}
    SPOKEN = {"aria-label", "title", "placeholder", "alt"}

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._silent: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self.SILENT:
            self._silent.append(tag)
        self.texts += [value or "" for name, value in attrs if name in self.SPOKEN]

    def handle_endtag(self, tag: str) -> None:
        if self._silent and tag == self._silent[-1]:
            self._silent.pop()

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.texts.append(data)


def in_english(page: str) -> set[str]:
    """What a page says outside of every translation, without figures and marks."""
    said = set()
    for text in _Said(page).texts:
        while text != (rest := re.sub("⟦[^⟦⟧]*⟧", " ", text)):
            text = rest
        said |= {part.strip(" .,:“”") for part in text.split("·")}
    return {" ".join(text.split()) for text in said if re.search(r"[^\W\d_]{2}", text)}


PAGES = {
    "the first page": "/",
    "an answer": "/search?q=abdomen without a stent&modality=CT",
    "a weak answer": "/search?q=knee of a penguin&mode=lexical",
    "no answer": "/search?q=zzqq&mode=lexical&modality=PET",
    "a refused question": "/search?alpha=x",
    "an image": "/images/{knee}/",
    "two images": "/compare?ids={knee},{stone}",
    "a conversation": "/c/{conversation}/",
    "its name": "/c/{conversation}/name",
    "saved searches": "/saved/",
    "tags": "/tags/",
    "a tag": "/tags/{tag}/",
    "a shared tag": "/shared/{share.key}/",
    "a link that has ended": "/shared/{ended.key}/",
}


def data(image: Image) -> set[str]:
    """What stands in the corpus or is a name: no page says it of itself."""
    labels = {label_of(field, value) for field in LISTED_FIELDS for value in values(field)}
    imported = date_format(image.created_at)
    return {"Clipsite", "CSV", "JSON", "editor", "corpus", imported, "Train", "Validation"} | labels


@pytest.mark.parametrize("path", PAGES.values(), ids=PAGES)
def test_all_that_a_page_says_of_itself_can_be_translated(
    build: IndexBuild, browser: Client, editor: Any, images: dict[str, Image], foreign: None,
    path: str,
) -> None:  # fmt: skip
    turn = asking.say(editor, "knee", None, {})
    SavedSearch.keep(editor, "knee", turn)
    tag = Tag.named(editor, "knee")[0]
    tag.add([images["knee"].pk])
    share, ended = Share.images(tag, 7), Share.images(tag, 7)
    ended.end()
    keys = {name: image.pk for name, image in images.items()}
    keys |= {"conversation": turn.conversation_id, "tag": tag.pk}
    page = browser.get(path.format(share=share, ended=ended, **keys)).content.decode()
    assert "⟦" in page
    texts = " / ".join([*CAPTIONS, *CAPTIONS.values(), *suggestions(), *PAGES.values()])
    known = data(images["knee"]) | {f"http://testserver/shared/{share.key}/"}
    assert {text for text in in_english(page) - known if text not in texts} == set()


def test_the_fields_of_the_filters_are_named_in_the_reader_s_language(
    build: IndexBuild, browser: Client, foreign: None
) -> None:
    facets = browser.get("/api/v1/search", {"q": "knee"}).json()["facets"]
    assert {facet["label"] for facet in facets} <= {str(label) for label in FIELD_LABELS.values()}
    assert all(facet["label"].startswith("⟦") for facet in facets)


def test_what_a_search_tells_on_its_way_is_translated(
    build: IndexBuild, browser: Client, editor: Any, foreign: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: Any) -> Any:
        raise EncoderUnavailable("No file.")

    monkeypatch.setattr(query_vector, "text_vectors", broken)
    answer = browser.get("/api/v1/search", {"q": "knee"}).json()
    assert answer["notices"] == ["⟦Searching captions only. No file.⟧"]
    assert asking.say(editor, "undo", None, {}).notices == ["⟦There is nothing to undo.⟧"]


def test_problems_of_the_api_are_translated(
    browser: Client, foreign: None, build: IndexBuild
) -> None:
    refused = browser.get("/api/v1/search", {"alpha": "x"}).json()
    assert refused["title"] == "⟦Bad query⟧"
    assert refused["detail"] == "⟦alpha must be a number from 0 to 1.⟧"
    nothing = browser.post("/api/v1/query-images").json()
    assert nothing["title"] == "⟦No picture⟧"


# Tags that translate, that show a value, or that show nothing.
TAGS = re.compile(
    r"{%\s*blocktranslate\b.*?{%\s*endblocktranslate\s*%}|{%.*?%}|{{.*?}}|{#.*?#}"
    r"|<(script|style|svg|kbd)\b.*?</\1>",
    re.DOTALL,
)


@pytest.mark.parametrize("template", sorted(TEMPLATES.rglob("*.html")), ids=lambda path: path.name)
def test_every_text_of_a_template_is_inside_a_translation(template: Path) -> None:
    blocks = re.compile(r"({%\s*block (body_class|nav_\w+)\s*%}).*?{%\s*endblock\s*%}")
    source = blocks.sub("", template.read_text(encoding="utf-8"))
    assert in_english(TAGS.sub(" ⟦⟧ ", source)) <= {"Clipsite"}


@pytest.mark.skipif(not shutil.which("xgettext"), reason="no gettext tools on this machine")
def test_the_sentences_can_be_collected_for_a_translator(tmp_path: Path) -> None:
    skipped = shutil.ignore_patterns("static", "__pycache__")
    shutil.copytree(ROOT / "search", tmp_path / "search", ignore=skipped)
    (tmp_path / "search" / "locale").mkdir()
    collect = [sys.executable, "-m", "django", "makemessages", "--locale", "de"]
    environment = {"PATH": os.environ["PATH"]}
    subprocess.run(
        collect, cwd=tmp_path / "search", env=environment, check=True, capture_output=True
    )
    collected = (tmp_path / "search/locale/de/LC_MESSAGES/django.po").read_text(encoding="utf-8")
    for sentence in (
        "There is nothing to undo.",
        "Counting",
        "Modality",
        "For study and research. Not for diagnosis.",
        "Ranked by words, the picture follows",
    ):
        assert f'msgid "{sentence}"' in collected
