"""Rows of other words from a file of MeSH descriptors (`descYYYY.xml`), which its user brings.

What the preferred concept of a descriptor is called means the same; what its other concepts are
called is a kind of it, unless the file says that they are broader or only related. Each concept
with several names has a row of its own, so that those find each other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers.expat import ExpatError, ParserCreate

from search.understanding.synonyms import LONGEST, key_of
from search.understanding.words import ASKING_WORDS, EVERYDAY_WORDS, SAYS_LITTLE, STOP_WORDS

# Anatomy, diseases, diagnosis, surgery.
BRANCHES = ("A", "C", "E01", "E04")
BRANCH = re.compile(r"[A-Z](\d\d(\.\d{3})*)?")

_ROOT, _RECORD = "DescriptorRecordSet", "DescriptorRecord"
_CHUNK = 1 << 16
# Marks of lexical kinds: eponyms and names of places, people and products keep their capitals.
_NAMES = {"EPO", "NAM", "TRD"}
_TITLE_CASE = re.compile(r"\b[A-Z][a-z]+\b")
# What has a meaning of its own in a table of rows.
_MARKS = re.compile(r"[|;#!\n]")
_TOO_COMMON = {key_of(word) for word in STOP_WORDS | ASKING_WORDS | SAYS_LITTLE | EVERYDAY_WORDS}


class MeshError(ValueError):
    """The file is no list of MeSH descriptors; the message says why, as the end of a sentence."""


class Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class Row(NamedTuple):
    """`forms` mean the same, the first of them is the term; `narrower` are kinds of it."""

    forms: tuple[str, ...]
    narrower: tuple[str, ...]
    descriptor: str

    def __str__(self) -> str:
        term, *same = self.forms
        narrower = "; ".join(self.narrower)
        return f"{term} | {'; '.join(same)} | {narrower} | MeSH {self.descriptor}"


def rows(file: Readable, branches: Sequence[str] = BRANCHES) -> Iterator[Row]:
    """Of the descriptors that stand below one of the branches of the tree, in the file's order.

    Only one descriptor is in memory at a time. Raises MeshError, perhaps after some rows.
    """
    for record in _records(file):
        places = [place.text or "" for place in record.iterfind("TreeNumberList/TreeNumber")]
        if any(_is_below(place, branch) for place in places for branch in branches):
            yield from _rows_of(record)


def _is_below(place: str, branch: str) -> bool:
    return place == branch or place.startswith(branch if len(branch) == 1 else f"{branch}.")


def _rows_of(record: Element) -> Iterator[Row]:
    number = record.findtext("DescriptorUI", "").strip()
    concepts = record.findall("ConceptList/Concept")
    concepts.sort(key=lambda concept: concept.get("PreferredConceptYN") != "Y")
    kinds: dict[str, str] = {}
    own = []
    for place, concept in enumerate(concepts):
        forms = _forms(concept)
        own.append(forms)
        if place and not _is_wider(concept):
            kinds.update(forms)
    for place, forms in enumerate(own):
        narrower = {key: form for key, form in kinds.items() if key not in forms}
        narrower = {} if place else narrower
        if forms and len(forms) + len(narrower) > 1:
            yield Row(tuple(forms.values()), tuple(narrower.values()), number)


def _is_wider(concept: Element) -> bool:
    """Whether its relation to the preferred concept is another than that of a kind to its whole."""
    found = concept.iterfind("ConceptRelationList/ConceptRelation")
    return any(relation.get("RelationName") in ("BRD", "REL") for relation in found)


def _forms(concept: Element) -> dict[str, str]:
    """By their keys, the preferred one first: what can be looked for, in the table's spelling."""
    terms = concept.findall("TermList/Term")
    terms.sort(key=lambda term: term.get("ConceptPreferredTermYN") != "Y")
    forms: dict[str, str] = {}
    for term in terms:
        form = _turned(" ".join(term.findtext("String", "").split()))
        if term.get("LexicalTag") not in _NAMES:
            form = _TITLE_CASE.sub(lambda word: word[0].lower(), form)
        key = key_of(form)
        if _can_be_said(form, key):
            is_abbreviation = " " not in key and form.isupper()
            forms.setdefault(key, f"!{form}" if is_abbreviation else form)
    return forms


def _turned(term: str) -> str:
    """ "Calculi, Renal" is said "Renal Calculi"; "Hip, Knee, and Ankle" is a list and none."""
    parts = term.split(", ")
    if any(part.startswith(("and ", "or ")) for part in parts):
        return ""
    return " ".join(reversed(parts))


def _can_be_said(form: str, key: str) -> bool:
    words = key.split()
    if not words or len(words) > LONGEST or _MARKS.search(form):
        return False
    return len(words) > 1 or not (
        len(form) < 2 or form.isdecimal() or key in _TOO_COMMON
    )  # fmt: skip


def _records(file: Readable) -> Iterator[Element]:
    reader = _Reader()
    try:
        while chunk := file.read(_CHUNK):
            reader.parser.Parse(chunk, False)
            yield from reader.take()
        reader.parser.Parse(b"", True)
    except ExpatError as exc:
        raise MeshError(f"is not well-formed XML: {exc}") from exc


class _Reader:
    """Makes a tree of each record and forgets it.

    Nothing outside the file is opened, and no entity is taken: a file of MeSH declares none, and
    one that does could ask for memory without end.
    """

    def __init__(self) -> None:
        self.parser = ParserCreate()
        self.parser.buffer_text = True
        self.parser.EntityDeclHandler = self._refuse
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._data
        self._is_begun = False
        self._tree: TreeBuilder | None = None
        self._whole: list[Element] = []

    def take(self) -> list[Element]:
        taken, self._whole = self._whole, []
        return taken

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if not self._is_begun and name != _ROOT:
            raise MeshError(f"holds <{name}>, not a <{_ROOT}> of MeSH descriptors")
        self._is_begun = True
        if self._tree is None and name == _RECORD:
            self._tree = TreeBuilder()
        if self._tree is not None:
            self._tree.start(name, attributes)

    def _end(self, name: str) -> None:
        if self._tree is not None:
            self._tree.end(name)
            if name == _RECORD:
                self._whole.append(self._tree.close())
                self._tree = None

    def _data(self, text: str) -> None:
        if self._tree is not None:
            self._tree.data(text)

    def _refuse(self, *_: object) -> None:
        raise MeshError("declares entities of its own, which a file of MeSH never does")
