"""Vectors as they are sent: a list, an object, or hexadecimal."""

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.vespa_stub.schema import tensor_size

_DTYPES = {"bfloat16": ">u2", "float": ">f4", "double": ">f8"}


class BadTensor(ValueError):
    """Not a vector of the declared type."""


def read_vector(value: Any, type_name: str) -> NDArray[np.float32]:
    if isinstance(value, dict):
        if set(value) - {"values", "type"}:
            raise BadTensor(f"unknown parts of a tensor: {sorted(set(value) - {'values', 'type'})}")
        value = value.get("values")
    cells = _from_hex(value, type_name) if isinstance(value, str) else _from_list(value)
    if cells.shape != (tensor_size(type_name),):
        raise BadTensor(f"expected {type_name}, got {len(cells)} cells")
    if not np.isfinite(cells).all():
        raise BadTensor("not every cell is a finite number")
    return cells


def _from_hex(text: str, type_name: str) -> NDArray[np.float32]:
    cell = re.split("[<>]", type_name)[1]
    try:
        raw = np.frombuffer(bytes.fromhex(text), _DTYPES[cell])
    except (KeyError, ValueError) as exc:
        raise BadTensor(f"no hexadecimal cells of {cell}") from exc
    if cell == "bfloat16":
        return (raw.astype(np.uint32) << np.uint32(16)).view(np.float32)
    return raw.astype(np.float32)


def _from_list(value: Any) -> NDArray[np.float32]:
    if not isinstance(value, list):
        raise BadTensor(f"{type(value).__name__} is no tensor")
    try:
        cells = np.array(value)
    except ValueError as exc:
        raise BadTensor("the cells are no plain list") from exc
    if cells.ndim != 1 or cells.dtype.kind not in "if":
        raise BadTensor("the cells are no plain list of numbers")
    return cells.astype(np.float32)
