"""Ranking expressions computed for all hits at once: every value is an array over the hits."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tests.vespa_stub.expressions import (
    Call,
    Choice,
    Name,
    Negative,
    Node,
    Normaliser,
    Number,
    Operation,
)

Values = NDArray[np.float64]
Lookup = Callable[[str], Values]

_CALLS: dict[str, Callable[..., Values]] = {
    "abs": np.abs, "acos": np.arccos, "asin": np.arcsin, "atan": np.arctan, "cos": np.cos,
    "exp": np.exp, "floor": np.floor, "log": np.log, "log10": np.log10, "max": np.maximum,
    "min": np.minimum, "pow": np.power, "sin": np.sin, "sqrt": np.sqrt, "tan": np.tan,
    "tanh": np.tanh,
}  # fmt: skip
_SIGNS: dict[str, Callable[[Values, Values], Values]] = {
    "+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide, "<": np.less,
    "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal, "==": np.equal,
    "!=": np.not_equal, "&&": np.logical_and, "||": np.logical_or,
}  # fmt: skip


def evaluate(node: Node, value_of: Lookup) -> Values:
    """`value_of` gives a feature or a function for every hit."""
    with np.errstate(all="ignore"):
        return np.asarray(_value(node, value_of), np.float64)


def _value(node: Node, value_of: Lookup) -> Values:
    match node:
        case Number(value):
            return np.float64(value)  # type: ignore[return-value]
        case Name(text):
            return value_of(text)
        case Negative(operand):
            return -_value(operand, value_of)
        case Operation(sign, left, right):
            return _SIGNS[sign](_value(left, value_of), _value(right, value_of))
        case Call(function, arguments):
            return _CALLS[function](*(_value(argument, value_of) for argument in arguments))
        case Choice(condition, then, otherwise):
            parts = (_value(part, value_of) for part in (condition, then, otherwise))
            chosen, yes, no = parts
            return np.where(chosen, yes, no)
        case Normaliser(kind, inputs, k):
            return _normalised(kind, [_value(name, value_of) for name in inputs], k)


def _normalised(kind: str, inputs: list[Values], k: float) -> Values:
    if kind == "normalize_linear":
        return normalize_linear(inputs[0])
    ranks = [reciprocal_rank(values, k) for values in inputs]
    return np.asarray(np.sum(ranks, axis=0))


def normalize_linear(values: Values) -> Values:
    """From the smallest (0) to the largest (1); all alike are 0.5."""
    if not values.size:
        return values
    low, high = float(values.min()), float(values.max())
    if high <= low:
        return np.full(values.shape, 0.5)
    return 0.5 + (values - (low + high) * 0.5) / (high - low)


def reciprocal_rank(values: Values, k: float) -> Values:
    """1 / (k + rank), rank from 1; ties keep the order in which the hits come."""
    ranks = np.empty(values.shape)
    ranks[np.argsort(-values, kind="stable")] = np.arange(values.size)
    return 1.0 / (k + 1.0 + ranks)
