"""A file of MeSH descriptors that a user brings: what is taken of it, what is refused, its cost."""

import io
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from search.asking import read
from search.other_words import expanded, table
from search.understanding.mesh import MeshError, Row, rows
from search.understanding.state import Phrase, QueryState
from search.understanding.synonyms import Thesaurus, thesaurus

MESH = Path(__file__).parent / "understanding" / "mesh.xml"
STONE = QueryState(phrases=(Phrase("kidney stone"),))


@pytest.fixture(autouse=True)
def own_table(settings: Any, tmp_path: Path) -> Iterator[Path]:
    """Each test is a process that has just been started."""
    settings.MESH_TABLE = tmp_path / "vocabulary" / "mesh.psv"
    thesaurus.cache_clear()
    yield settings.MESH_TABLE
    thesaurus.cache_clear()


def taken(**options: Any) -> list[Row]:
    return list(rows(io.BytesIO(MESH.read_bytes()), **options))


def others(state: QueryState) -> list[str]:
    return [expansion.text for expansion in state.expansions]


def test_terms_of_one_concept_mean_the_same_and_those_of_a_narrower_one_are_kinds() -> None:
    stone, kind, *_ = taken()
    assert stone.forms == ("kidney calculi", "renal calculi", "kidney stone", "renal gravel")
    assert stone.narrower == ("branched stone", "antler stone")
    assert (kind.forms, kind.narrower) == (("branched stone", "antler stone"), ())
    assert str(kind) == "branched stone | antler stone |  | MeSH X000001"


def test_what_is_inverted_is_turned_and_names_and_abbreviations_keep_their_capitals() -> None:
    forms = {row.descriptor: row.forms for row in taken()}
    assert forms["X000002"] == ("Testperson Disease", "slow spinal wasting", "!SSWD")
    assert forms["X000003"] == ("X-ray slicing", "layer tracing")


@pytest.mark.parametrize(
    ("branches", "descriptors"),
    [
        (("C",), {"X000001", "X000002"}),
        (("C12",), {"X000001"}),
        (("C23.300",), {"X000001"}),
        (("E01",), {"X000003"}),
        (("L",), {"X000004"}),
    ],
)
def test_only_descriptors_below_the_branches_are_taken(
    branches: tuple[str, ...], descriptors: set[str]
) -> None:
    assert {row.descriptor for row in taken(branches=branches)} == descriptors


def test_a_descriptor_with_one_name_alone_gives_nothing() -> None:
    assert "X000005" not in {row.descriptor for row in taken()}


def test_a_loaded_file_is_known_after_a_restart(
    own_table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert others(expanded(QueryState(phrases=(Phrase("testperson disease"),)))) == []
    call_command("load_mesh", MESH)
    told = capsys.readouterr().out
    assert told.startswith(f"3 descriptors give 11 forms, written to {own_table}.")
    assert "restart" in told
    assert others(read("testperson disease").state) == []
    thesaurus.cache_clear()
    assert others(read("testperson disease").state) == ["slow spinal wasting", "SSWD"]
    assert others(read("SSWD").state) == ["Testperson Disease", "slow spinal wasting"]
    assert others(read("sswd").state) == []


def test_our_rows_come_first_and_the_terms_of_mesh_join_without_repeating_them() -> None:
    ours = others(expanded(STONE))
    call_command("load_mesh", MESH)
    thesaurus.cache_clear()
    found = [text for text, _ in table().others_than("kidney stone")]
    own = [text for text, _ in thesaurus().others_than("kidney stone")]
    assert found[: len(own)] == own
    assert found[len(own) :] == ["kidney calculi", "renal gravel", "branched stone", "antler stone"]
    assert others(expanded(STONE)) == ours


def test_removed_terms_are_gone_after_a_restart(own_table: Path) -> None:
    call_command("load_mesh", MESH)
    call_command("load_mesh", remove=True)
    assert not own_table.exists()
    assert others(read("testperson disease").state) == []
    with pytest.raises(CommandError, match="no MeSH terms to remove"):
        call_command("load_mesh", remove=True)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "is not well-formed XML: no element found"),
        ("term,other", "is not well-formed XML"),
        ("<html><body/></html>", "holds <html>, not a <DescriptorRecordSet>"),
        ("<SupplementalRecordSet/>", "holds <SupplementalRecordSet>"),
        ("<DescriptorRecordSet/>", "has no other words below A, C, E01, E04"),
        (MESH.read_text()[:-30], "is not well-formed XML: unclosed token: line 100"),
        (MESH.read_text().replace("Renal Gravel", "&gravel;</String>"), "is not well-formed XML"),
    ],
)
def test_what_is_no_list_of_descriptors_is_told_in_a_sentence_and_leaves_the_old_table(
    own_table: Path, tmp_path: Path, content: str, reason: str
) -> None:
    call_command("load_mesh", MESH)
    before = own_table.read_bytes()
    file = tmp_path / "brought.xml"
    file.write_text(content)
    with pytest.raises(CommandError) as refused:
        call_command("load_mesh", file)
    assert reason in str(refused.value)
    assert str(refused.value).startswith(f"{file} ")
    assert "\n" not in str(refused.value)
    assert [path.name for path in own_table.parent.iterdir()] == [own_table.name]
    assert own_table.read_bytes() == before


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read: No such file"):
        call_command("load_mesh", tmp_path / "none.xml")
    with pytest.raises(CommandError, match="cannot be read: Is a directory"):
        call_command("load_mesh", tmp_path)


def test_what_is_asked_must_make_sense() -> None:
    for wrong in ({}, {"file": MESH, "remove": True}):
        with pytest.raises(CommandError, match="but not both"):
            call_command("load_mesh", **wrong)
    with pytest.raises(CommandError, match="x1 is no part of the MeSH tree"):
        call_command("load_mesh", MESH, branches=["x1"])


@pytest.mark.parametrize(
    "entity",
    [
        '<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">',
        '<!ENTITY a SYSTEM "file:///etc/hostname">',
        '<!ENTITY % a SYSTEM "http://127.0.0.1:1/x">',
    ],
)
def test_a_file_that_declares_entities_is_refused(entity: str) -> None:
    head = f"<!DOCTYPE DescriptorRecordSet [{entity}]>"
    with pytest.raises(MeshError, match="declares entities"):
        list(rows(io.BytesIO(f"{head}<DescriptorRecordSet>&a;</DescriptorRecordSet>".encode())))


def test_lines_that_are_no_rows_are_left_out_and_told(
    own_table: Path, caplog: pytest.LogCaptureFixture
) -> None:
    own_table.parent.mkdir()
    own_table.write_text("half a row | of hand\ntestperson disease | slicing | | by hand\n")
    assert others(read("testperson disease").state) == ["slicing"]
    assert f"left out of {own_table}: 1" in caplog.text


def test_a_large_file_takes_little_memory(tmp_path: Path) -> None:
    """Of 60 MB, so that keeping what was read would show; a real file has five times that."""
    file, (head, rest) = tmp_path / "large.xml", MESH.read_text().split('"eng">')
    records = rest.removesuffix("</DescriptorRecordSet>\n")
    with file.open("w") as written:
        written.write(f'{head}"eng">')
        for _ in range(60_000_000 // len(records)):
            written.write(records)
        written.write("</DescriptorRecordSet>")
    counting = (
        "import resource, sys; from search.understanding.mesh import rows;"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss;"
        "count = sum(1 for _ in rows(open(sys.argv[1], 'rb')));"
        "print(count, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    count, kilobytes = subprocess.run(
        [sys.executable, "-c", counting, file], capture_output=True, text=True, check=True
    ).stdout.split()
    assert int(count) == 4 * (60_000_000 // len(records))
    assert int(kilobytes) < 20_000


def test_many_forms_take_little_memory() -> None:
    lines = [
        f"term {n} of it | form {n} a; form {n} b; other form {n}; last {n} | | MeSH"
        for n in range(40_000)
    ]
    tracemalloc.start()
    many = Thesaurus(lines)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(many) == 200_000
    assert kept < 60_000_000
