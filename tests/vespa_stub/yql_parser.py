"""Recursive descent over the tokens of a query."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from tests.vespa_stub.errors import BadQuery
from tests.vespa_stub.yql import (
    All,
    And,
    Condition,
    Contains,
    Grouping,
    Nearest,
    Not,
    OneOf,
    Or,
    Question,
    Rank,
    Tokens,
    UserInput,
)

_NEAREST = {"targetHits": int, "approximate": bool, "hnsw.exploreAdditionalHits": int}
_USER_INPUT = {"grammar": str, "targetHits": int, "defaultIndex": str, "ranked": bool}
_GRAMMARS = ("weakAnd", "phrase")
MOST_VALUES = 10_000
Found = TypeVar("Found")


def parse(text: str, schema: str, parameters: Mapping[str, Any]) -> Question:
    return _Parser(Tokens(text, parameters)).question(schema)


class _Parser:
    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    def question(self, schema: str) -> Question:
        tokens = self._tokens
        tokens.expect("select")
        select = self._select()
        tokens.expect("from", schema, "where")
        where = self._top()
        order_by = self._order()
        limit = tokens.integer() if tokens.accept("limit") else None
        offset = tokens.integer() if tokens.accept("offset") else None
        groupings = self._groupings() if tokens.accept("|") else ()
        if tokens.peek():
            raise tokens.wrong(f"'{tokens.peek()}' is one too many")
        used = frozenset(tokens.used)
        return Question(select, where, order_by, limit, offset, groupings, used)

    def _select(self) -> tuple[str, ...]:
        if self._tokens.accept("*"):
            return ()
        return tuple(self._listed(self._tokens.word))

    def _order(self) -> tuple[tuple[str, bool], ...]:
        """Fields to sort by, the first first, each with whether it descends."""
        if not self._tokens.accept("order", "by"):
            return ()
        return tuple(self._listed(self._way))

    def _way(self) -> tuple[str, bool]:
        field = self._tokens.word()
        descending = self._tokens.accept("desc")
        if not descending:
            self._tokens.accept("asc")
        return field, descending

    def _top(self) -> Condition:
        condition = self._or()
        if isinstance(condition, Not):
            raise BadQuery("A query cannot only exclude", 3)
        return condition

    def _or(self) -> Condition:
        parts = self._joined("or", self._and)
        if len(parts) > 1 and any(isinstance(part, Not) for part in parts):
            raise BadQuery("'!' may only stand in an 'and'", 3)
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def _and(self) -> Condition:
        parts = self._joined("and", self._one)
        if len(parts) > 1 and all(isinstance(part, Not) for part in parts):
            raise BadQuery("A query cannot only exclude", 3)
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _joined(self, word: str, read: Callable[[], Condition]) -> list[Condition]:
        parts = [read()]
        while self._tokens.accept(word):
            parts.append(read())
        return parts

    def _one(self) -> Condition:
        tokens = self._tokens
        if tokens.accept("!", "("):
            return Not(self._closed(self._top))
        if tokens.accept("(", "{"):
            return self._closed(self._annotated)
        if tokens.accept("("):
            return self._closed(self._or)
        if tokens.accept("true"):
            return All()
        if tokens.accept("rank", "("):
            return self._closed(lambda: Rank(tuple(self._listed(self._top))))
        if tokens.accept("weightedSet", "("):
            return self._closed(self._weighted_set)
        if tokens.accept("userInput", "("):
            return UserInput(self._closed(tokens.string))
        return self._field()

    def _closed(self, read: Callable[[], Found]) -> Found:
        found = read()
        self._tokens.expect(")")
        return found

    def _listed(self, read: Callable[[], Found]) -> list[Found]:
        found = [read()]
        while self._tokens.accept(","):
            found.append(read())
        return found

    def _field(self) -> Condition:
        tokens = self._tokens
        field = tokens.word()
        if tokens.accept("contains"):
            return Contains(field, tokens.string())
        if tokens.accept("="):
            return OneOf(field, (tokens.integer(),))
        if tokens.accept("in", "("):
            return OneOf(field, tuple(self._closed(lambda: self._listed(self._value))))
        raise tokens.wrong(f"'{tokens.peek()}' is no operator that the stub knows")

    def _value(self) -> Any:
        return self._tokens.integer() if self._tokens.kind() == "number" else self._tokens.string()

    def _weighted_set(self) -> OneOf:
        field = self._tokens.word()
        self._tokens.expect(",")
        if self._tokens.accept("{"):
            values: list[Any] = self._listed(self._named_weight)
            self._tokens.expect("}")
        else:
            values = list(self._tokens.keys_of_pairs())
        if len(values) > MOST_VALUES:
            raise BadQuery(f"{len(values)} values in one weightedSet", 3)
        return OneOf(field, tuple(values))

    def _named_weight(self) -> str:
        value = self._tokens.string()
        self._tokens.expect(":")
        self._tokens.integer()
        return value

    def _annotated(self) -> Condition:
        given = self._annotations()
        operator = self._tokens.word()
        self._tokens.expect("(")
        if operator == "nearestNeighbor":
            return self._closed(lambda: self._nearest(_known(given, _NEAREST, operator)))
        if operator == "userInput":
            return self._closed(lambda: self._user_input(_known(given, _USER_INPUT, operator)))
        raise self._tokens.wrong(f"the stub knows no annotations of {operator}")

    def _annotations(self) -> dict[str, Any]:
        given = dict(self._listed(self._annotation))
        self._tokens.expect("}")
        return given

    def _annotation(self) -> tuple[str, Any]:
        name = self._tokens.word()
        self._tokens.expect(":")
        if self._tokens.kind() == "number":
            return name, self._tokens.integer()
        if self._tokens.kind() == "text":
            return name, self._tokens.take()[1:-1]
        value = self._tokens.word()
        if value not in ("true", "false"):
            raise self._tokens.wrong(f"'{value}' is no value of an annotation")
        return name, value == "true"

    def _nearest(self, given: Mapping[str, Any]) -> Nearest:
        field = self._tokens.word()
        self._tokens.expect(",")
        tensor = self._tokens.word()
        if given.get("targetHits", 0) < 1:
            raise BadQuery("nearestNeighbor needs targetHits of at least 1", 3)
        return Nearest(field, tensor, given["targetHits"], given.get("approximate", True))

    def _user_input(self, given: Mapping[str, Any]) -> UserInput:
        grammar = given.get("grammar", "weakAnd")
        if grammar not in _GRAMMARS:
            raise BadQuery(f"The stub does not know the grammar '{grammar}'", 3)
        if given.get("targetHits", 1) < 1:
            raise BadQuery("userInput needs targetHits of at least 1", 3)
        text = self._tokens.string()
        index, ranked = given.get("defaultIndex", "default"), given.get("ranked", True)
        return UserInput(text, grammar, index, ranked)

    def _groupings(self) -> tuple[Grouping, ...]:
        self._tokens.expect("all", "(")
        if self._tokens.peek() == "group":
            return (self._closed(self._grouping),)
        found = []
        while self._tokens.accept("all", "("):
            found.append(self._closed(self._grouping))
        self._tokens.expect(")")
        return tuple(found)

    def _grouping(self) -> Grouping:
        self._tokens.expect("group", "(")
        field = self._closed(self._tokens.word)
        most = self._closed(self._tokens.integer) if self._tokens.accept("max", "(") else None
        self._tokens.expect("order", "(", "-", "count", "(", ")", ")")
        self._tokens.expect("each", "(", "output", "(", "count", "(", ")", ")", ")")
        return Grouping(field, most)


def _known(given: Mapping[str, Any], known: Mapping[str, type], operator: str) -> Mapping[str, Any]:
    for name, value in given.items():
        if type(value) is not known.get(name):
            raise BadQuery(f"Annotation {name}: {value!r} of {operator} is not understood", 3)
    return given
