"""What the documents name exists."""

import re
from pathlib import Path

import pytest
from django.core.management import get_commands
from django.urls import Resolver404, resolve

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def text_of(document: Path) -> str:
    return document.read_text(encoding="utf-8")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_commands_that_are_named_exist(document: Path) -> None:
    named = set(re.findall(r"manage\.py ([a-z_]+)", text_of(document)))
    assert named <= set(get_commands())


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_make_targets_that_are_named_exist(document: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)", text_of(document))) <= targets


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_files_that_are_named_exist(document: Path) -> None:
    named = re.findall(
        r"[`(]((?:clipsite|search|training|ingest|jobs|docs|tests|templates|benchmarks)/[\w./-]*)[`)]",
        text_of(document),
    )
    missing = [name for name in named if not (ROOT / name).exists()]
    assert missing == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_between_documents_lead_somewhere(document: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", text_of(document))
    assert [link for link in links if not (document.parent / link).exists()] == []


def test_every_api_path_that_is_named_resolves() -> None:
    named = re.findall(
        r"(?:GET|POST|PUT|DELETE)`?,? `?(?:\w+ )?(/[\w/<>.-]+)", text_of(ROOT / "docs/api.md")
    )
    assert len(named) >= 8
    for path in named:
        concrete = path.replace("<kind>", "import").replace("<id>", "1").replace("<key>", "k")
        try:
            resolve(concrete)
        except Resolver404:
            pytest.fail(f"{path} leads nowhere")


def test_every_frame_and_edit_that_is_named_is_handled() -> None:
    consumers = (ROOT / "search/consumers.py").read_text()
    edits = (ROOT / "search/understanding/edits.py").read_text()
    api = text_of(ROOT / "docs/api.md")
    for frame in (
        "query",
        "edit_chips",
        "page",
        "cancel",
        "resume",
        "feedback",
        "ack",
        "chips",
        "done",
    ):
        assert f"`{frame}`" in api
        assert f'"{frame}"' in consumers
    for name in set(re.findall(r'"op": "(\w+)"', api)):
        assert f'"{name}"' in edits
