"""The document selection language, as far as conditions and visits use it.

A comparison may be invalid (None here): `<` with an empty field. Invalid does not select, and
neither does its opposite. `==` and `!=` with an empty field are plainly false and true.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from tests.vespa_stub.errors import BadDocument
from tests.vespa_stub.schema import Field, Schema

Test = Callable[[Mapping[str, Any]], bool | None]
_TOKEN = re.compile(
    r'\s*(?:(?P<number>-?\d+)|(?P<text>"[^"\\]*")|(?P<name>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)?)'
    r"|(?P<sign>==|!=|<=|>=|<|>|\(|\)))"
)
_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def compile_selection(text: str, schema: Schema) -> Test:
    return _Parser(text, schema).whole()


class _Parser:
    def __init__(self, text: str, schema: Schema) -> None:
        self._text, self._schema = text, schema
        self._tokens = self._tokenise()
        self._at = 0

    def whole(self) -> Test:
        test = self._or()
        if self._at < len(self._tokens):
            raise self._wrong(f"'{self._peek()}' is one too many")
        return test

    def _tokenise(self) -> list[tuple[str, str]]:
        found, at, end = [], 0, len(self._text.rstrip())
        while at < end:
            token = _TOKEN.match(self._text, at)
            if not token:
                raise self._wrong(f"'{self._text[at:]}' is not understood")
            found.append((str(token.lastgroup), token.group(str(token.lastgroup))))
            at = token.end()
        return found

    def _or(self) -> Test:
        left = self._and()
        while self._accept("or"):
            left = _either(left, self._and())
        return left

    def _and(self) -> Test:
        left = self._not()
        while self._accept("and"):
            left = _both(left, self._not())
        return left

    def _not(self) -> Test:
        if self._accept("not"):
            return _opposite(self._not())
        if self._accept("("):
            inner = self._or()
            if not self._accept(")"):
                raise self._wrong("')' is missing")
            return inner
        return self._comparison()

    def _comparison(self) -> Test:
        kind, text = self._take()
        if kind != "name":
            raise self._wrong(f"'{text}' cannot stand there")
        if text in ("true", "false"):
            return lambda document: text == "true"
        document, _, name = text.partition(".")
        if document != self._schema.name:
            raise self._wrong(f"Document type {document} not found")
        if not name:
            return lambda document: True
        if name not in self._schema.fields:
            raise self._wrong(f"there is no field '{name}'")
        return self._compared(self._schema.fields[name])

    def _compared(self, field: Field) -> Test:
        sign, value = self._take()[1], self._value(field)
        if field.size and value is not None:
            raise self._wrong(f"{field.name} can only be compared with null")
        if sign == "==":
            return lambda document: document.get(field.name) == value
        if sign == "!=":
            return lambda document: document.get(field.name) != value
        if sign not in _ORDERS or value is None:
            raise self._wrong(f"'{sign}' cannot stand there")
        return _ordered(field.name, _ORDERS[sign], value)

    def _value(self, field: Field) -> Any:
        kind, text = self._take()
        if text == "null" and kind == "name":
            return None
        if kind == "number" and field.is_number:
            return int(text)
        if kind == "text" and field.type == "string":
            return text[1:-1]
        raise self._wrong(f"'{text}' is no value of {field.name}")

    def _peek(self) -> str:
        return self._tokens[self._at][1] if self._at < len(self._tokens) else ""

    def _accept(self, text: str) -> bool:
        found = self._peek() == text
        self._at += found
        return found

    def _take(self) -> tuple[str, str]:
        self._at += 1
        return self._tokens[self._at - 1] if self._at <= len(self._tokens) else ("end", "")

    def _wrong(self, why: str) -> BadDocument:
        return BadDocument(f"Failed to parse the selection '{self._text}': {why}.")


def _ordered(name: str, compare: Callable[[Any, Any], bool], value: Any) -> Test:
    def test(document: Mapping[str, Any]) -> bool | None:
        found = document.get(name)
        return None if found is None else compare(found, value)

    return test


def _either(left: Test, right: Test) -> Test:
    def test(document: Mapping[str, Any]) -> bool | None:
        both = (left(document), right(document))
        return True if True in both else None if None in both else False

    return test


def _both(left: Test, right: Test) -> Test:
    def test(document: Mapping[str, Any]) -> bool | None:
        first = left(document)
        if first is False:
            return False
        second = right(document)
        return False if second is False else None if None in (first, second) else True

    return test


def _opposite(inner: Test) -> Test:
    def test(document: Mapping[str, Any]) -> bool | None:
        found = inner(document)
        return None if found is None else not found

    return test
