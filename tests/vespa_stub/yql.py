"""The query language as far as it is used here, read into a tree; anything else is refused."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.vespa_stub.errors import BadQuery


@dataclass(frozen=True)
class All:
    """`true`"""


@dataclass(frozen=True)
class And:
    parts: tuple["Condition", ...]


@dataclass(frozen=True)
class Or:
    parts: tuple["Condition", ...]


@dataclass(frozen=True)
class Not:
    part: "Condition"


@dataclass(frozen=True)
class Rank:
    """Only the first part matches; the others rank what it found."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True)
class Contains:
    field: str
    value: str


@dataclass(frozen=True)
class OneOf:
    """`=`, `in` and `weightedSet`: any of these values."""

    field: str
    values: tuple[Any, ...]


@dataclass(frozen=True)
class Nearest:
    field: str
    tensor: str
    target: int
    approximate: bool = True


@dataclass(frozen=True)
class UserInput:
    text: str
    grammar: str = "weakAnd"
    index: str = "default"
    ranked: bool = True


Condition = All | And | Or | Not | Rank | Contains | OneOf | Nearest | UserInput


@dataclass(frozen=True)
class Grouping:
    field: str
    most: int | None


@dataclass(frozen=True)
class Question:
    select: tuple[str, ...]
    where: Condition
    order_by: tuple[tuple[str, bool], ...] = ()
    limit: int | None = None
    offset: int | None = None
    groupings: tuple[Grouping, ...] = ()
    used: frozenset[str] = frozenset()


TOKEN = re.compile(
    r"\s*(?:(?P<pairs>\[\[-?\d+,\s*\d+\](?:,\s*\[-?\d+,\s*\d+\])*\])"
    r'|(?P<text>"(?:[^"\\]|\\.)*")|(?P<number>-?\d+(?:\.\d+)?)|@(?P<parameter>[A-Za-z_]\w*)'
    r"|(?P<word>[A-Za-z_][\w.]*)|(?P<sign>[(){}\[\],:=*!|-]))"
)
PAIR = re.compile(r"\[(-?\d+),")
LITERAL = re.compile(r"[a-z0-9_ -]*")


class Tokens:
    """What is left of a query, with the parameters that it may refer to."""

    def __init__(self, text: str, parameters: Mapping[str, Any]) -> None:
        self._found = _tokenise(text)
        self._at = 0
        self._parameters = parameters
        self.used: set[str] = set()

    def peek(self, ahead: int = 0) -> str:
        at = self._at + ahead
        return self._found[at][1] if at < len(self._found) else ""

    def kind(self) -> str:
        return self._found[self._at][0] if self._at < len(self._found) else "end"

    def take(self) -> str:
        text = self.peek()
        self._at += 1
        return text

    def accept(self, *texts: str) -> bool:
        """Take the tokens if they all come next."""
        if any(self.peek(ahead) != text for ahead, text in enumerate(texts)):
            return False
        self._at += len(texts)
        return True

    def expect(self, *texts: str) -> None:
        for text in texts:
            if self.take() != text:
                raise self.wrong(f"'{text}' is missing")

    def word(self) -> str:
        if self.kind() != "word":
            raise self.wrong("a name is missing")
        return self.take()

    def integer(self) -> int:
        if self.kind() != "number" or "." in self.peek():
            raise self.wrong("a whole number is missing")
        return int(self.take())

    def keys_of_pairs(self) -> list[int]:
        """A list of [key, weight] is one token, as it may hold hundreds of them."""
        if self.kind() != "pairs":
            raise self.wrong("a list of [key, weight] is missing")
        return [int(key) for key in PAIR.findall(self.take())]

    def string(self) -> str:
        """A parameter's value, or a constant that nobody could have typed in."""
        kind, text = self.kind(), self.take()
        if kind == "parameter":
            return self._parameter(text)
        if kind != "text" or not LITERAL.fullmatch(text[1:-1]):
            raise self.wrong("text belongs into parameters (@name)")
        return text[1:-1]

    def _parameter(self, name: str) -> str:
        self.used.add(name)
        if name not in self._parameters:
            raise BadQuery(f"Input '{name}' is not set", 3)
        value = self._parameters[name]
        if not isinstance(value, str):
            raise BadQuery(f"Input '{name}' is no text", 3)
        return value

    def wrong(self, why: str) -> BadQuery:
        near = " ".join(text for _, text in self._found[max(self._at - 3, 0) : self._at + 3])
        return BadQuery(f"YQL near '{near}': {why}", 3)


def _tokenise(text: str) -> list[tuple[str, str]]:
    found, at, end = [], 0, len(text.rstrip())
    while at < end:
        token = TOKEN.match(text, at)
        if not token:
            raise BadQuery(f"YQL: '{text[at : at + 40]}' is not understood", 3)
        kind = str(token.lastgroup)
        found.append((kind, token.group(kind)))
        at = token.end()
    return found
