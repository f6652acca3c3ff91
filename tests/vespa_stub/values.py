"""Values of documents: from JSON to what is kept, and back."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from tests.vespa_stub.columns import bfloat16
from tests.vespa_stub.errors import BadDocument
from tests.vespa_stub.schema import Field, Schema
from tests.vespa_stub.tensors import BadTensor, read_vector

LENGTH_TOLERANCE = 0.01
_SIZES = {"int": 2**31, "long": 2**63}
# Vespa refuses strings with characters that are no text.
_NO_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def read_put(content: Any, schema: Schema) -> dict[str, Any]:
    """The fields of a whole document. A null stands for no value."""
    values = _fields(content, schema)
    return {name: value for name, value in values.items() if value is not None}


def read_update(content: Any, schema: Schema) -> dict[str, Any]:
    """The assignments of a partial update; None clears a field."""
    fields = content.get("fields") if isinstance(content, dict) else None
    if not isinstance(fields, dict):
        raise BadDocument("The document has no 'fields'.")
    for name, operation in fields.items():
        if not isinstance(operation, dict) or set(operation) != {"assign"}:
            raise BadDocument(f"Field '{name}': the stub only knows 'assign'.")
    assigned = {name: operation["assign"] for name, operation in fields.items()}
    return _fields({**content, "fields": assigned}, schema)


def _fields(content: Any, schema: Schema) -> dict[str, Any]:
    if not isinstance(content, dict) or not isinstance(content.get("fields"), dict):
        raise BadDocument("The document has no 'fields'.")
    if surplus := set(content) - {"fields"}:
        raise BadDocument(f"Unknown parts of an operation: {sorted(surplus)}.")
    values = {}
    for name, value in content["fields"].items():
        if name not in schema.fields:
            raise BadDocument(f"No field '{name}' in the structure of type '{schema.name}'.")
        values[name] = None if value is None else read_value(schema.fields[name], value)
    _check_language(values, schema)
    return values


def _check_language(values: Mapping[str, Any], schema: Schema) -> None:
    """Words are stemmed in the language of the same operation, or in one that Vespa guesses."""
    stemmed = [n for n, v in values.items() if v is not None and schema.fields[n].is_text]
    if stemmed and not any(values.get(name) == "en" for name in schema.language_fields):
        raise BadDocument(f"{stemmed} came without the language 'en' in the same operation.")


def read_value(field: Field, value: Any) -> Any:
    if field.size:
        return _read_embedding(field, value)
    if field.type == "string":
        return _read_text(field, value)
    if field.type == "bool":
        expected: tuple[type, ...] = (bool,)
    else:
        expected = (int,) if field.type in _SIZES else (int, float)
    if type(value) not in expected:
        raise BadDocument(f"Field '{field.name}': {value!r} is no {field.type}.")
    limit = _SIZES.get(field.type)
    if limit and not -limit < value < limit:
        raise BadDocument(f"Field '{field.name}': {value} is out of range.")
    return value


def _read_text(field: Field, value: Any) -> str:
    if not isinstance(value, str):
        raise BadDocument(f"Field '{field.name}': {value!r} is no string.")
    if found := _NO_TEXT.search(value):
        code = f"{ord(found.group()):X}"
        raise BadDocument(f"Field '{field.name}': the string contains illegal code point 0x{code}.")
    return value


def _read_embedding(field: Field, value: Any) -> Any:
    try:
        vector = bfloat16(read_vector(value, field.type))
    except BadTensor as exc:
        raise BadDocument(f"Field '{field.name}': {exc}.") from exc
    length = float(np.sqrt(vector @ vector))
    if abs(length - 1.0) > LENGTH_TOLERANCE:
        raise BadDocument(f"Field '{field.name}': a vector of length {length:.4f}, not 1.")
    return vector


def render(fields: Mapping[str, Any], schema: Schema, wanted: tuple[str, ...], tensors: str) -> Any:
    """The wanted fields that have a value."""
    found = {}
    for name in wanted:
        value = fields.get(name)
        if value is None:
            continue
        if schema.fields[name].size:
            cells = value.tolist()
            value = cells if tensors == "short-value" else {
                "type": schema.fields[name].type, "values": cells,
            }  # fmt: skip
        found[name] = value
    return found
