"""Schema files as a tree of lines and blocks, before anybody asks what they mean."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.vespa_stub.errors import BadPackage

_COMMENT = re.compile(r"#.*")
_PIECE = re.compile(r"[{}]|[^{}]+")


@dataclass
class Entry:
    """`head: value`, or `head { … }`, or a line of its own."""

    head: str
    value: str = ""
    inside: list["Entry"] = field(default_factory=list)
    is_block: bool = False

    @property
    def keyword(self) -> str:
        return self.head.split()[0]

    @property
    def words(self) -> list[str]:
        return self.head.split()


def parse_tree(text: str, source: str) -> list[Entry]:
    root = Entry(source, is_block=True)
    open_blocks = [root]
    for piece, opens in _pieces(text):
        if piece == "}":
            open_blocks.pop()
            if not open_blocks:
                raise BadPackage(f"{source}: a '}}' is one too many.")
            continue
        entry = _entry(piece, opens, source)
        open_blocks[-1].inside.append(entry)
        if opens:
            open_blocks.append(entry)
    if len(open_blocks) != 1:
        raise BadPackage(f"{source}: '{open_blocks[-1].head}' is not closed.")
    return root.inside


def _pieces(text: str) -> Iterator[tuple[str, bool]]:
    """Each line or part of a line, and whether it opens a block."""
    for line in text.splitlines():
        found = [piece.strip() for piece in _PIECE.findall(_COMMENT.sub("", line))]
        parts = [piece for piece in found if piece]
        for at, part in enumerate(parts):
            if part != "{":
                yield part, at + 1 < len(parts) and parts[at + 1] == "{"


def _entry(piece: str, opens: bool, source: str) -> Entry:
    head, colon, value = piece.partition(":")
    if opens and colon:
        raise BadPackage(f"{source}: '{piece}' cannot open a block.")
    return Entry(head.strip(), value.strip(), is_block=opens)
