"""Ranking expressions: from text to a tree, and the names that a tree uses."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tests.vespa_stub.errors import BadExpression

# How many arguments each takes.
FUNCTIONS = {
    "abs": 1, "acos": 1, "asin": 1, "atan": 1, "cos": 1, "exp": 1, "floor": 1, "log": 1,
    "log10": 1, "max": 2, "min": 2, "pow": 2, "sin": 1, "sqrt": 1, "tan": 1, "tanh": 1,
}  # fmt: skip
NORMALISERS = ("normalize_linear", "reciprocal_rank", "reciprocal_rank_fusion")
_POWERS = {
    "||": 1, "&&": 2, "==": 3, "!=": 3, "<": 3, "<=": 3, ">": 3, ">=": 3,
    "+": 4, "-": 4, "*": 5, "/": 5,
}  # fmt: skip
_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+)|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<output>\.[A-Za-z_]\w*)|(?P<sign>\|\||&&|[=!<>]=|[-+*/()<>,]))"
)


@dataclass(frozen=True)
class Number:
    value: float


@dataclass(frozen=True)
class Name:
    """A feature or a function of the profile, written without spaces: `closeness(field,x)`."""

    text: str


@dataclass(frozen=True)
class Negative:
    operand: "Node"


@dataclass(frozen=True)
class Operation:
    sign: str
    left: "Node"
    right: "Node"


@dataclass(frozen=True)
class Choice:
    condition: "Node"
    then: "Node"
    otherwise: "Node"


@dataclass(frozen=True)
class Call:
    function: str
    arguments: tuple["Node", ...]


@dataclass(frozen=True)
class Normaliser:
    """Looks at all hits of the window at once; `k` counts for reciprocal ranks."""

    kind: str
    inputs: tuple[Name, ...]
    k: float = 60.0


Node = Number | Name | Negative | Operation | Choice | Call | Normaliser


def parse(text: str) -> Node:
    return _Parser(text).whole()


def walk(node: Node) -> Iterator[Node]:
    """The node and all below it."""
    yield node
    for child in _children(node):
        yield from walk(child)


def names(expression: str | Node) -> set[str]:
    """Every feature and function that an expression uses."""
    tree = parse(expression) if isinstance(expression, str) else expression
    return {node.text for node in walk(tree) if isinstance(node, Name)}


def has_normaliser(node: Node) -> bool:
    return any(isinstance(inner, Normaliser) for inner in walk(node))


def _children(node: Node) -> tuple[Node, ...]:
    match node:
        case Negative(operand):
            return (operand,)
        case Operation(_, left, right):
            return (left, right)
        case Choice(condition, then, otherwise):
            return (condition, then, otherwise)
        case Call(_, arguments):
            return arguments
        case Normaliser(_, inputs):
            return inputs
    return ()


class _Parser:
    """A Pratt parser: what binds tighter is read further down."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(_tokenise(text))
        self._at = 0

    def whole(self) -> Node:
        node = self._expression(0)
        if self._at < len(self._tokens):
            raise self._wrong(f"'{self._peek()[1]}' is one too many")
        return node

    def _expression(self, binding: int) -> Node:
        left = self._operand()
        while (power := _POWERS.get(self._peek()[1], 0)) > binding:
            sign = self._take()[1]
            left = Operation(sign, left, self._expression(power))
        return left

    def _operand(self) -> Node:
        kind, text = self._take()
        if kind == "number":
            return Number(float(text))
        if kind == "name":
            return self._named(text)
        if text == "-":
            return Negative(self._expression(_POWERS["*"]))
        if text == "(":
            inner = self._expression(0)
            self._expect(")")
            return inner
        raise self._wrong(f"'{text}' cannot stand there")

    def _named(self, name: str) -> Node:
        called = self._peek()[1] == "("
        arguments: tuple[Node, ...] = self._arguments() if called else ()
        if name == "if" and len(arguments) == 3:
            return Choice(arguments[0], arguments[1], arguments[2])
        if name in NORMALISERS:
            return self._normaliser(name, arguments)
        if name in FUNCTIONS:
            if len(arguments) != FUNCTIONS[name]:
                raise self._wrong(f"{name} takes {FUNCTIONS[name]} arguments")
            return Call(name, arguments)
        return Name(self._feature(name, arguments))

    def _arguments(self) -> tuple[Node, ...]:
        self._expect("(")
        if self._peek()[1] == ")":
            self._take()
            return ()
        found = [self._expression(0)]
        while self._peek()[1] == ",":
            self._take()
            found.append(self._expression(0))
        self._expect(")")
        return tuple(found)

    def _normaliser(self, kind: str, arguments: tuple[Node, ...]) -> Node:
        k = 60.0
        if kind == "reciprocal_rank" and len(arguments) == 2 and isinstance(arguments[1], Number):
            arguments, k = arguments[:1], arguments[1].value
        inputs = tuple(node for node in arguments if isinstance(node, Name))
        fusion = kind == "reciprocal_rank_fusion"
        if len(inputs) != len(arguments) or (len(inputs) < 2 if fusion else len(inputs) != 1):
            raise self._wrong(f"{kind} takes the names of features or functions")
        return Normaliser(kind, inputs, k)

    def _feature(self, name: str, arguments: tuple[Node, ...]) -> str:
        output = self._take()[1] if self._peek()[0] == "output" else ""
        inner = ",".join(self._argument(argument) for argument in arguments)
        return f"{name}({inner}){output}" if arguments else f"{name}{output}"

    def _argument(self, node: Node) -> str:
        if isinstance(node, Name):
            return node.text
        if isinstance(node, Number):
            return f"{node.value:g}"
        raise self._wrong("a feature takes names or numbers")

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("end", "")

    def _take(self) -> tuple[str, str]:
        token = self._peek()
        self._at += 1
        return token

    def _expect(self, text: str) -> None:
        found = self._take()[1]
        if found != text:
            raise self._wrong(f"'{text}' is missing before '{found}'")

    def _wrong(self, why: str) -> BadExpression:
        return BadExpression(f"In the expression '{self._text}': {why}.")


def _tokenise(text: str) -> Iterator[tuple[str, str]]:
    at, end = 0, len(text.rstrip())
    while at < end:
        found = _TOKEN.match(text, at)
        if not found:
            raise BadExpression(f"In the expression '{text}': '{text[at:end]}' is not understood.")
        at = found.end()
        yield str(found.lastgroup), found.group(str(found.lastgroup))
